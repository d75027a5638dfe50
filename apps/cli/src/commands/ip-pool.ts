import { Option } from 'commander';
import { ipPoolId } from '../names.js';
import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';
import { ipPoolColumns } from '../tables/account.js';

async function list(session: Session, options: PageOptions) {
  const api = await session.api;
  const page = await collect((query) => api.GET('/v1/ip-pools', { params: { query } }), options);
  showList(session, 'IP pools', ipPoolColumns, page, options);
}

interface AddOptions {
  readonly gateway: string;
  readonly kind: 'public' | 'private';
  readonly mode: 'routed' | 'bridged';
  readonly zone?: string;
}

async function add(session: Session, cidr: string, { gateway, kind, mode, zone }: AddOptions) {
  const api = await session.api;
  const { data } = await api.POST('/v1/ip-pools', { body: { cidr, gateway, kind, mode, zone } });
  session.show(data, () => session.table(ipPoolColumns, [data!]));
}

async function remove(session: Session, which: string) {
  const api = await session.api;
  const id = await ipPoolId(api, which);
  await api.DELETE('/v1/ip-pools/{id}', { params: { path: { id } } });
  session.note(`IP pool ${which} removed`);
}

export const ipPool: Noun = (program, runner) => {
  const noun = program.command('ip-pool').description('networks that instances get their addresses from');
  withPages(noun.command('list').alias('ls').description('with how many addresses are used')).action(
    runner.action(list),
  );
  noun
    .command('add <cidr>')
    .description('such as 203.0.113.0/24')
    .requiredOption('--gateway <address>', 'inside the network')
    .addOption(new Option('--kind <kind>').choices(['public', 'private']).default('public'))
    .addOption(new Option('--mode <mode>').choices(['routed', 'bridged']).default('routed'))
    .option('--zone <zone>', 'for this zone only')
    .action(runner.action(add));
  noun.command('remove <pool>').alias('rm').description('by network or id').action(runner.action(remove));
};
