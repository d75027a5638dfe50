import type { BellowsClient, Host, Instance } from '@bellows/api-client/client';
import { NotFoundError, UsageError } from './exit.js';
import { table, type Column } from './format/table.js';
import { collect } from './pages.js';
import type { Session } from './session.js';

/** Ids end in 20 characters of base 32; anything else is a name. */
const isId = (prefix: string, text: string): boolean =>
  text.startsWith(`${prefix}-`) && /^[0-9a-hjkmnp-tv-z]{20}$/.test(text.slice(prefix.length + 1));

interface Named {
  readonly id: string;
}

function only<Row extends Named>(what: string, name: string, found: Row[], columns: Column<Row>[]): string {
  if (found.length === 1) return found[0]!.id;
  if (found.length === 0) throw new NotFoundError(`There is no ${what} named ${name}.`);
  const list = table(columns, found, { now: Date.now() }).replaceAll(/^/gm, '  ').trimEnd();
  throw new UsageError(`${found.length} ${what}s are named ${name}; give the id of one:\n${list}`);
}

const instanceColumns: Column<Instance>[] = [
  { header: 'ID', cell: ({ id }) => id },
  { header: 'STATE', cell: ({ state }) => state },
  { header: 'PLAN', cell: ({ plan }) => plan },
  { header: 'PROJECT', cell: ({ projectId }) => projectId },
];

export async function instanceId(session: Session, text: string): Promise<string> {
  if (isId('i', text)) return text;
  const api = await session.api;
  const project = await projectOption(session);
  const query = { name: text, ...project };
  const page = await collect((at) => api.GET('/v1/instances', { params: { query: { ...query, ...at } } }));
  return only('instance', text, page.items, instanceColumns);
}

const hostColumns: Column<Host>[] = [
  { header: 'ID', cell: ({ id }) => id },
  { header: 'ZONE', cell: ({ zone }) => zone },
];

export async function hostId({ api: connecting }: Session, text: string): Promise<string> {
  if (isId('h', text)) return text;
  const api = await connecting;
  const all = await collect((query) => api.GET('/v1/hosts', { params: { query } }), { all: true });
  return only(
    'host',
    text,
    all.items.filter(({ name }) => name === text),
    hostColumns,
  );
}

export async function projectId({ api: connecting }: Session, text: string): Promise<string> {
  if (isId('prj', text)) return text;
  const api = await connecting;
  const all = await collect((query) => api.GET('/v1/projects', { params: { query } }), { all: true });
  return only(
    'project',
    text,
    all.items.filter(({ name }) => name === text),
    [{ header: 'ID', cell: ({ id }) => id }],
  );
}

/** The project of --project, as the query parameter of a listing; empty when there is none. */
export async function projectOption(session: Session): Promise<{ project?: string }> {
  const { project } = session.options;
  return project === undefined ? {} : { project: await projectId(session, project) };
}

export async function tokenId(session: Session, text: string): Promise<string> {
  if (isId('tok', text)) return text;
  const api = await session.api;
  const project = await projectOption(session);
  const all = await collect(
    (query) => api.GET('/v1/tokens', { params: { query: { ...query, ...project } } }),
    { all: true },
  );
  const live = all.items.filter(({ name, revokedAt }) => name === text && revokedAt === null);
  return only('token', text, live, [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'ROLE', cell: ({ role }) => role },
    { header: 'PROJECT', cell: ({ projectId: of }) => of ?? '—' },
  ]);
}

/** A pool is known by its network. */
export async function ipPoolId(api: BellowsClient, text: string): Promise<string> {
  if (isId('pool', text)) return text;
  const all = await collect((query) => api.GET('/v1/ip-pools', { params: { query } }), { all: true });
  return only(
    'IP pool',
    text,
    all.items.filter(({ cidr }) => cidr === text),
    [
      { header: 'ID', cell: ({ id }) => id },
      { header: 'ZONE', cell: ({ zone }) => zone ?? 'all' },
    ],
  );
}
