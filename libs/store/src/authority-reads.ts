import type { DockerAuthority } from '@bellows/operations/ports/docker-authority';
import type { EpochMs } from '@bellows/operations/ports/rows';
import type { Session, Sql } from './db.js';
import { dockerAuthorities as rows } from './rows/mappings.js';

const live: Sql = {
  name: 'docker-authorities',
  text: `SELECT ${rows.list} FROM docker_authority WHERE expires_at > $1 ORDER BY created_at, id`,
};
export async function readDockerAuthorities(session: Session, now: EpochMs): Promise<DockerAuthority[]> {
  return (await session.rows(live, [now])).map(rows.item);
}

const add: Sql = {
  name: 'docker-authority-add',
  text: `
    WITH gone AS (DELETE FROM docker_authority WHERE expires_at <= $2)
    INSERT INTO docker_authority (${rows.list}) SELECT ${rows.list}
      FROM json_populate_recordset(NULL::docker_authority, $1::json)
    ON CONFLICT DO NOTHING`,
};
export async function addDockerAuthority(session: Session, authority: DockerAuthority): Promise<void> {
  await session.rows(add, [JSON.stringify([rows.row(authority)]), authority.createdAt]);
}
