import { Option, type Command } from 'commander';
import { instanceColumns, instanceFacts, sizeTable } from '../tables/instance.js';
import { UsageError } from '../exit.js';
import { toned } from '../format/styles.js';
import { parseCount } from '../format/units.js';
import { hostId, instanceId, projectOption } from '../names.js';
import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun, Runner } from '../runner.js';
import type { Session } from '../session.js';
import { accepted, withWait } from './change.js';
import { power } from './instance-power.js';
import { resize } from './instance-resize.js';
import { collectTag, collectText, sshKeyOf, textOf } from './parse.js';

interface ListOptions extends PageOptions {
  readonly state?: string;
  readonly plan?: string;
  readonly host?: string;
  readonly tag?: string;
}

async function list(session: Session, options: ListOptions) {
  const api = await session.api;
  const { state, plan, tag } = options;
  const host = options.host === undefined ? undefined : await hostId(session, options.host);
  const filter = { state, plan, tag, host, ...(await projectOption(session)) };
  const page = await collect(
    (at) => api.GET('/v1/instances', { params: { query: { ...filter, ...at } } }),
    options,
  );
  showList(session, 'instances', instanceColumns, page, options);
}

async function get(session: Session, name: string) {
  const api = await session.api;
  const id = await instanceId(session, name);
  const { data } = await api.GET('/v1/instances/{id}', { params: { path: { id } } });
  const look = { now: Date.now(), paint: session.paint };
  session.show(data, () => `${session.facts(instanceFacts(data!))}\n${sizeTable(data!, look)}`);
}

interface CreateOptions {
  readonly plan: string;
  readonly image: string;
  readonly zone?: string;
  readonly sshKey?: string[];
  readonly userData?: string;
  readonly tag?: Record<string, string>;
  readonly count?: number;
  readonly group?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly timeout?: number;
}

async function create(session: Session, name: string, options: CreateOptions) {
  const api = await session.api;
  const { plan, image, zone, tag: tags, count, group: antiAffinityGroup, dryRun } = options;
  const sshKeys =
    options.sshKey && (await Promise.all(options.sshKey.map((key) => sshKeyOf(session.io, key))));
  const userData = options.userData === undefined ? undefined : await textOf(session.io, options.userData);
  const body = { name, plan, image, zone, sshKeys, userData, tags, count, antiAffinityGroup, dryRun };
  const params = { query: await projectOption(session) };
  const { data } = await api.POST('/v1/instances', { params, body });
  if ('operation' in data!) return accepted(session, data, options);
  const { fits, zone: where, hostId: on, count: many, pricePerHour } = data!;
  session.show(data, () =>
    session.facts([
      ['fits', toned(fits ? '✓ yes' : '✗ no', fits ? 'good' : 'bad'), toned('nothing was made', 'faint')],
      ['zone', where],
      ['host', on ?? ''],
      ['count', String(many)],
      ['price', `${pricePerHour} an hour`],
    ]),
  );
}

interface UpdateOptions {
  readonly name?: string;
  readonly tag?: Record<string, string>;
  readonly tags?: boolean;
}

async function update(session: Session, which: string, { name, tag, tags }: UpdateOptions) {
  const newTags = tags === false ? {} : tag;
  if (name === undefined && newTags === undefined)
    throw new UsageError('Say what to change: --name, --tag or --no-tags.');
  const api = await session.api;
  const path = { id: await instanceId(session, which) };
  const { data } = await api.PATCH('/v1/instances/{id}', { params: { path }, body: { name, tags: newTags } });
  session.show(data, () => session.facts(instanceFacts(data!)));
}

function createCommand(noun: Command, runner: Runner): void {
  withWait(
    noun
      .command('create <name>')
      .summary('make one, or --count of them')
      .description(
        'Make an instance. Answers once it is accepted; --wait follows it until its guest answers.',
      )
      .requiredOption('--plan <plan>', 'its size and price, see: bellows plan list')
      .requiredOption('--image <image>', 'what it boots, see: bellows image list')
      .option('--zone <zone>', 'where')
      .option('--ssh-key <file or key>', 'may log in; repeat for several', collectText)
      .option('--user-data <file>', 'handed to the guest at first boot; - reads stdin')
      .option('--tag <key=value>', 'repeat for several', collectTag)
      .addOption(new Option('--count <n>', 'all of them are made, or none').argParser(parseCount))
      .option('--group <name>', 'members of one group are put on different hosts')
      .option('--dry-run', 'say whether and where it would fit, and its price; make nothing'),
  ).action(runner.action(create));
}

export const instance: Noun = (program, runner) => {
  const noun = program.command('instance').alias('i').description('virtual machines');
  withPages(noun.command('list').alias('ls').description('with state, size and address'))
    .option('--state <state>', 'only in this state')
    .option('--plan <plan>', 'only of this plan')
    .option('--host <host>', 'only on this host (admin)')
    .option('--tag <key=value>', 'only with this tag')
    .action(runner.action(list));
  noun.command('get <instance>').description('one in detail, with its sizes').action(runner.action(get));
  createCommand(noun, runner);
  resize(noun, runner);
  power(noun, runner);
  noun
    .command('update <instance>')
    .description('rename or retag')
    .option('--name <name>')
    .option('--tag <key=value>', 'replaces all tags; repeat for several', collectTag)
    .option('--no-tags', 'take all tags off')
    .action(runner.action(update));
};
