import type { ProjectId, TokenId } from '@bellows/domain/ids';
import type { Plan } from '@bellows/domain/plan';
import type { Image, IpPool, Project, Quota, Token } from '@bellows/operations/ports/rows';
import type { Page, PageAsk, StoredAnswer } from '@bellows/operations/ports/store';
import type { DataSource } from 'typeorm';
import { Where, page } from './cursor.js';
import type { Session, Sql } from './db.js';
import { ImageEntity } from './entities/image.entity.js';
import { PlanEntity } from './entities/plan.entity.js';
import { images, plans, projects, quota, tokens } from './rows/mappings.js';

/** Plans and images are few and read through TypeORM; entities do not leave. */
export async function readPlans(source: DataSource): Promise<Plan[]> {
  const found = await source.getRepository(PlanEntity).find({ order: { id: 'ASC' } });
  return found.map((entity) => plans.item(plans.row(entity as unknown as Plan)));
}

export async function readImages(source: DataSource): Promise<Image[]> {
  const found = await source.getRepository(ImageEntity).find({ order: { name: 'ASC' } });
  return found.map((entity) => images.item(images.row(entity as unknown as Image)));
}

const pools: Sql = {
  name: 'pools',
  text: `SELECT id, cidr::text AS cidr, gateway, kind, mode, zone, size, used FROM ip_pool ORDER BY id`,
};
export const readIpPools = (session: Session): Promise<IpPool[]> => session.rows<IpPool>(pools);

const oneProject: Sql = { name: 'project', text: `SELECT ${projects.list} FROM project WHERE id = $1` };
export async function readProject(session: Session, id: ProjectId): Promise<Project | null> {
  const [row] = await session.rows(oneProject, [id]);
  return row ? projects.item(row) : null;
}

const byCreation = { at: 'created_at', id: 'id', idType: 'text' } as const;

export const readProjects = (session: Session, ask: PageAsk): Promise<Page<Project>> =>
  page(session, ask, { table: 'project', columns: projects.list, ...byCreation }, new Where(), projects.item);

const oneQuota: Sql = { name: 'quota', text: 'SELECT * FROM quota WHERE project_id = $1' };
export async function readQuota(session: Session, id: ProjectId): Promise<Quota | null> {
  const [row] = await session.rows(oneQuota, [id]);
  return row ? quota(row) : null;
}

const bySecret: Sql = {
  name: 'token-by-secret',
  text: `SELECT ${tokens.list} FROM token WHERE secret_hash = $1`,
};
export async function readTokenBySecretHash(session: Session, secretHash: string): Promise<Token | null> {
  const [row] = await session.rows(bySecret, [secretHash]);
  return row ? tokens.item(row) : null;
}

const byIds: Sql = {
  name: 'tokens-by-id',
  text: `SELECT ${tokens.list} FROM token WHERE id = ANY ($1::text[])`,
};
export async function readTokensById(session: Session, ids: readonly TokenId[]): Promise<Token[]> {
  return (await session.rows(byIds, [ids])).map(tokens.item);
}

export const readTokens = (
  session: Session,
  ask: PageAsk & { projectId?: ProjectId },
): Promise<Page<Token>> =>
  page(
    session,
    ask,
    { table: 'token', columns: tokens.list, ...byCreation },
    new Where().and('project_id = ?', ask.projectId),
    tokens.item,
  );

const kept: Sql = {
  name: 'answer',
  text: 'SELECT request_hash, status, body, headers FROM kept_answer WHERE scope = $1 AND key = $2',
};
export async function readKeptAnswer(
  session: Session,
  scope: string,
  key: string,
): Promise<{ requestHash: string; answer: StoredAnswer } | null> {
  const [row] = await session.rows(kept, [scope, key]);
  if (!row) return null;
  const answer: StoredAnswer = {
    status: row.status as number,
    body: row.body,
    ...(row.headers !== null && { headers: row.headers as Record<string, string> }),
  };
  return { requestHash: row.request_hash as string, answer };
}
