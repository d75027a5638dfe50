import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseCount, parseDisk, parseMemory } from '../format/units.js';
import { hostId } from '../names.js';
import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun, Runner } from '../runner.js';
import type { Session } from '../session.js';
import { hostColumns, hostFacts } from '../tables/host.js';

async function list(session: Session, options: PageOptions & { zone?: string; state?: string }) {
  const api = await session.api;
  const { zone, state } = options;
  const page = await collect(
    (at) => api.GET('/v1/hosts', { params: { query: { zone, state, ...at } } }),
    options,
  );
  showList(session, 'hosts', hostColumns, page, options);
}

async function get(session: Session, name: string) {
  const api = await session.api;
  const path = { id: await hostId(session, name) };
  const { data } = await api.GET('/v1/hosts/{id}', { params: { path } });
  session.show(data, () => session.facts(hostFacts(data!)));
}

interface AddOptions {
  readonly driver: 'sim' | 'libvirt';
  readonly uri?: string;
  readonly zone?: string;
  readonly vcpus?: number;
  readonly memory?: number;
  readonly disk?: number;
  readonly cpuOvercommit?: number;
  readonly ramOvercommit?: number;
}

async function add(session: Session, name: string, { memory: ramMib, disk: diskGib, ...rest }: AddOptions) {
  const api = await session.api;
  const { data } = await api.POST('/v1/hosts', { body: { name, ramMib, diskGib, ...rest } });
  session.show(data, () => session.facts(hostFacts(data!)));
}

const act = (action: 'cordon' | 'uncordon') => async (session: Session, name: string) => {
  const api = await session.api;
  const path = { id: await hostId(session, name), action };
  const { data } = await api.POST('/v1/hosts/{id}/actions/{action}', { params: { path } });
  session.show(data, () => session.table(hostColumns, [data!]));
};

async function remove(session: Session, name: string) {
  const api = await session.api;
  const id = await hostId(session, name);
  await api.DELETE('/v1/hosts/{id}', { params: { path: { id } } });
  session.note(`host ${name} removed`);
}

function parseRatio(text: string): number {
  if (!/^\d{1,3}(\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError('Give a ratio such as 4 or 1.5.');
  return Number(text);
}

function addCommand(noun: Command, runner: Runner): void {
  noun
    .command('add <name>')
    .description('enrol a server')
    .addOption(
      new Option('--driver <driver>', 'what runs there').choices(['sim', 'libvirt']).makeOptionMandatory(),
    )
    .option('--uri <uri>', 'of libvirt, such as qemu:///system')
    .option('--zone <zone>', 'where it is')
    .addOption(new Option('--vcpus <n>', 'of a modelled server').argParser(parseCount))
    .addOption(new Option('--memory <size>', 'of a modelled server, such as 64g').argParser(parseMemory))
    .addOption(new Option('--disk <size>', 'of a modelled server, such as 2t').argParser(parseDisk))
    .addOption(
      new Option('--cpu-overcommit <ratio>', 'vCPUs sold for each CPU (default 4)').argParser(parseRatio),
    )
    .addOption(
      new Option('--ram-overcommit <ratio>', 'memory sold for each byte (default 1)').argParser(parseRatio),
    )
    .action(runner.action(add));
}

export const host: Noun = (program, runner) => {
  const noun = program.command('host').description('physical servers');
  withPages(noun.command('list').alias('ls').description('with what is sold of what may be sold'))
    .option('--zone <zone>', 'only in this zone')
    .option('--state <state>', 'only in this state')
    .action(runner.action(list));
  noun.command('get <host>').description('one in detail').action(runner.action(get));
  addCommand(noun, runner);
  noun
    .command('remove <host>')
    .alias('rm')
    .description('forget one without instances')
    .action(runner.action(remove));
  noun
    .command('cordon <host>')
    .description('place nothing new on it')
    .action(runner.action(act('cordon')));
  noun
    .command('uncordon <host>')
    .description('place on it again')
    .action(runner.action(act('uncordon')));
};
