import { Option } from 'commander';
import { toned } from '../format/styles.js';
import { projectId, projectOption, tokenId } from '../names.js';
import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';
import { tokenColumns } from '../tables/account.js';
import { parseTime } from './parse.js';

async function list(session: Session, options: PageOptions) {
  const api = await session.api;
  const project = await projectOption(session);
  const page = await collect(
    (at) => api.GET('/v1/tokens', { params: { query: { ...project, ...at } } }),
    options,
  );
  showList(session, 'tokens', tokenColumns, page, options);
}

interface CreateOptions {
  readonly role: 'owner' | 'member' | 'viewer';
  readonly expires?: string;
}

async function create(session: Session, name: string, { role, expires: expiresAt }: CreateOptions) {
  const api = await session.api;
  const { project } = session.options;
  const of = project === undefined ? undefined : await projectId(session, project);
  const { data } = await api.POST('/v1/tokens', { body: { name, role, expiresAt, projectId: of } });
  session.show(data, () => {
    const warning = toned('shown this once: keep it now', 'busy');
    return `${session.table(tokenColumns, [data!])}\n${session.facts([['token', data!.token, warning]])}`;
  });
}

async function revoke(session: Session, which: string) {
  const api = await session.api;
  const id = await tokenId(session, which);
  await api.DELETE('/v1/tokens/{id}', { params: { path: { id } } });
  session.note(`token ${which} revoked; it is refused within 5 seconds`);
}

export const token: Noun = (program, runner) => {
  const noun = program.command('token').description('who may do what');
  withPages(noun.command('list').alias('ls').description('without their secrets')).action(
    runner.action(list),
  );
  noun
    .command('create <name>')
    .description('issue one for --project; its secret is shown this once')
    .addOption(new Option('--role <role>').choices(['owner', 'member', 'viewer']).makeOptionMandatory())
    .addOption(new Option('--expires <time>', 'such as 30d or 2030-01-31').argParser(parseTime))
    .action(runner.action(create));
  noun.command('revoke <token>').description('by name or id').action(runner.action(revoke));
};
