import { InvalidArgumentError, Option } from 'commander';
import { NotFoundError } from '../exit.js';
import { parseBound, parseCount, parseDisk, parseMemory } from '../format/units.js';
import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';
import { planColumns, planFacts } from '../tables/catalogue.js';

async function list(session: Session, options: PageOptions) {
  const api = await session.api;
  const page = await collect((query) => api.GET('/v1/plans', { params: { query } }), options);
  showList(session, 'plans', planColumns, page, options);
}

/** The API lists plans only: the list is short. */
async function get(session: Session, name: string) {
  const api = await session.api;
  const all = await collect((query) => api.GET('/v1/plans', { params: { query } }), { all: true });
  const found = all.items.find(({ id }) => id === name);
  if (!found) throw new NotFoundError(`There is no plan named ${name}.`);
  session.show(found, () => session.facts(planFacts(found)));
}

interface CreateOptions {
  readonly family: 'vps' | 'ecs';
  readonly vcpus: number;
  readonly memory: number;
  readonly disk: number;
  readonly bandwidth: number;
  readonly floor?: ReturnType<typeof parseBound>;
  readonly ceiling?: ReturnType<typeof parseBound>;
  readonly price: string;
}

async function create(session: Session, id: string, options: CreateOptions) {
  const api = await session.api;
  const { family, vcpus, memory: ramMib, disk: diskGib, bandwidth, floor, ceiling, price } = options;
  const size = { vcpus, ramMib, diskGib, bandwidthMbps: bandwidth };
  const body = { id, family, ...size, floor, ceiling, pricePerHour: price };
  const { data } = await api.POST('/v1/plans', { body });
  session.show(data, () => session.facts(planFacts(data!)));
}

/** Money stays text: no figure of it passes through a binary fraction. */
function parsePrice(text: string): string {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('Give a price such as 0.0105.');
  return text;
}

export const plan: Noun = (program, runner) => {
  const noun = program.command('plan').description('sizes that are sold');
  withPages(noun.command('list').alias('ls').description('with price and how far each resizes live')).action(
    runner.action(list),
  );
  noun.command('get <plan>').description('one in detail').action(runner.action(get));
  noun
    .command('create <id>')
    .description('sell a new slice (admin)')
    .addOption(
      new Option('--family <family>', 'fixed or elastic').choices(['vps', 'ecs']).makeOptionMandatory(),
    )
    .addOption(new Option('--vcpus <n>').argParser(parseCount).makeOptionMandatory())
    .addOption(new Option('--memory <size>', 'such as 2g').argParser(parseMemory).makeOptionMandatory())
    .addOption(new Option('--disk <size>', 'such as 20g').argParser(parseDisk).makeOptionMandatory())
    .addOption(new Option('--bandwidth <mbps>', 'Mbit/s').argParser(parseCount).default(1000))
    .addOption(new Option('--floor <size>', 'smallest live size, such as 1c1g').argParser(parseBound))
    .addOption(new Option('--ceiling <size>', 'largest live size, such as 4c4g').argParser(parseBound))
    .addOption(new Option('--price <amount>', 'for an hour').argParser(parsePrice).makeOptionMandatory())
    .action(runner.action(create));
};
