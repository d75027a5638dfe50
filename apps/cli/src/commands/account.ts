import { Option } from 'commander';
import { UsageError } from '../exit.js';
import { parseCount, parseDisk, parseMemory } from '../format/units.js';
import { instanceId, projectId, projectOption } from '../names.js';
import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';
import { quotaColumns, usageColumns } from '../tables/account.js';
import { parseTime } from './parse.js';

interface UsageOptions extends PageOptions {
  readonly instance?: string;
  readonly from?: string;
  readonly until?: string;
}

async function usage(session: Session, options: UsageOptions) {
  const api = await session.api;
  const { from, until } = options;
  const instance = options.instance === undefined ? undefined : await instanceId(session, options.instance);
  const filter = { instance, from, until, ...(await projectOption(session)) };
  const page = await collect(
    (at) => api.GET('/v1/usage', { params: { query: { ...filter, ...at } } }),
    options,
  );
  showList(session, 'usage', usageColumns, page, options);
}

/** One project's as the API gives it; without a project those of all that this token sees. */
async function quotaGet(session: Session, name: string | undefined, options: PageOptions) {
  const api = await session.api;
  const which = name ?? session.options.project;
  if (which === undefined) {
    const page = await collect((query) => api.GET('/v1/quotas', { params: { query } }), options);
    return showList(session, 'quotas', quotaColumns, page, options);
  }
  const path = { id: await projectId(session, which) };
  const { data } = await api.GET('/v1/quotas/{id}', { params: { path } });
  session.show(data, () => session.table(quotaColumns, [data!]));
}

interface QuotaOptions {
  readonly instances?: number;
  readonly vcpus?: number;
  readonly memory?: number;
  readonly disk?: number;
}

async function quotaSet(session: Session, name: string, options: QuotaOptions) {
  const { instances, vcpus, memory: ramMib, disk: diskGib } = options;
  const body = { instances, vcpus, ramMib, diskGib };
  if (Object.values(body).every((limit) => limit === undefined))
    throw new UsageError('Say which limit: --instances, --vcpus, --memory or --disk.');
  const api = await session.api;
  const path = { id: await projectId(session, name) };
  const { data } = await api.PATCH('/v1/quotas/{id}', { params: { path }, body });
  session.show(data, () => session.table(quotaColumns, [data!]));
}

export const account: Noun = (program, runner) => {
  const quota = program.command('quota').description('what a project may use, and uses');
  withPages(quota.command('get [project]').description('of one project, or of all')).action(
    runner.action(quotaGet),
  );
  quota
    .command('set <project>')
    .description('change limits; the others stay (admin)')
    .addOption(new Option('--instances <n>').argParser(parseCount))
    .addOption(new Option('--vcpus <n>').argParser(parseCount))
    .addOption(new Option('--memory <size>', 'such as 64g').argParser(parseMemory))
    .addOption(new Option('--disk <size>', 'such as 2t').argParser(parseDisk))
    .action(runner.action(quotaSet));
  withPages(program.command('usage').description('stretches of time at one size, as they are billed'))
    .option('--instance <instance>', 'only of this one; of a deleted one by id')
    .addOption(new Option('--from <time>', 'such as 2030-01-31').argParser(parseTime))
    .addOption(new Option('--until <time>').argParser(parseTime))
    .action(runner.action(usage));
};
