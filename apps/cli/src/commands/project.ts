import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';
import { projectColumns } from '../tables/account.js';

async function list(session: Session, options: PageOptions) {
  const api = await session.api;
  const page = await collect((query) => api.GET('/v1/projects', { params: { query } }), options);
  showList(session, 'projects', projectColumns, page, options);
}

async function create(session: Session, name: string) {
  const api = await session.api;
  const { data } = await api.POST('/v1/projects', { body: { name } });
  session.show(data, () => session.table(projectColumns, [data!]));
}

export const project: Noun = (program, runner) => {
  const noun = program.command('project').description('what tokens, instances and quotas belong to');
  withPages(noun.command('list').alias('ls').description('those this token sees')).action(
    runner.action(list),
  );
  noun.command('create <name>').description('make one (admin)').action(runner.action(create));
};
