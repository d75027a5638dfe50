import { Option, type Command } from 'commander';
import { exit, UsageError, type ExitCode } from '../exit.js';
import type { WaitOptions } from '../follow/follow.js';
import { parseCount, parseDisk, parseMemory } from '../format/units.js';
import { instanceId } from '../names.js';
import type { Runner } from '../runner.js';
import type { Session } from '../session.js';
import { resizePlanFacts } from '../tables/instance.js';
import { accepted, withWait } from './change.js';

interface SizeOptions {
  readonly plan?: string;
  readonly vcpus?: number;
  readonly memory?: number;
  readonly disk?: number;
}
type Impact = 'live' | 'live-migrate' | 'restart';
interface ResizeOptions extends SizeOptions, WaitOptions {
  readonly resizePlan?: string;
  readonly allow?: Impact[];
  readonly allowContainers?: boolean;
  readonly dryRun?: boolean;
}

const bodyOf = ({ plan, vcpus, memory: ramMib, disk: diskGib }: SizeOptions) => ({
  plan,
  vcpus,
  ramMib,
  diskGib,
});

const withSize = (command: Command): Command =>
  command
    .option('--plan <plan>', 'to the size of this plan; the disk stays')
    .addOption(new Option('--vcpus <n>', 'within the floor and ceiling of its plan').argParser(parseCount))
    .addOption(
      new Option('--memory <size>', 'such as 2g or 512m; a bare number is MiB').argParser(parseMemory),
    )
    .addOption(new Option('--disk <size>', 'such as 20g; grows, never shrinks').argParser(parseDisk));

function asked(options: ResizeOptions): void {
  if (
    Object.values(bodyOf(options)).every((figure) => figure === undefined) &&
    options.resizePlan === undefined
  )
    throw new UsageError('Say what to change: --plan, or --vcpus, --memory, --disk.');
}

async function showPlan(session: Session, name: string, options: ResizeOptions): Promise<ExitCode> {
  asked(options);
  if (options.resizePlan !== undefined)
    throw new UsageError('--resize-plan carries out what --dry-run showed; use one of them.');
  const api = await session.api;
  const path = { id: await instanceId(session, name) };
  const { data } = await api.POST('/v1/instances/{id}/resize-plans', {
    params: { path },
    body: bodyOf(options),
  });
  session.show(data, () => session.facts(resizePlanFacts(name, data!)));
  return data!.impact === 'impossible' ? exit.refused : exit.ok;
}

async function act(session: Session, name: string, options: ResizeOptions) {
  if (options.dryRun) return showPlan(session, name, options);
  asked(options);
  const api = await session.api;
  const path = { id: await instanceId(session, name) };
  const { resizePlan: resizePlanId, allow, allowContainers } = options;
  const body = { ...bodyOf(options), resizePlanId, allow, allowContainers };
  const { data } = await api.POST('/v1/instances/{id}/resize', { params: { path }, body });
  return accepted(session, data!, options);
}

export function resize(noun: Command, runner: Runner): void {
  withWait(
    withSize(
      noun
        .command('resize <instance>')
        .summary('change its size while it runs')
        .description('Change the size of an instance of an elastic plan, while it runs.'),
    )
      .option('--resize-plan <id>', 'carry out a plan as "resize-plan" showed it')
      .addOption(
        new Option('--allow <how...>', 'default: live and live-migrate').choices([
          'live',
          'live-migrate',
          'restart',
        ]),
      )
      .option('--allow-containers', 'also where running containers were promised more than the new size has')
      .option('--dry-run', 'the same as "resize-plan"'),
  ).action(runner.action(act));
  withSize(
    noun
      .command('resize-plan <instance>')
      .summary('what a resize would do and cost')
      .description(
        'What a resize would do, step by step, and its price before and after. Changes nothing; exits 1 where it is impossible.',
      ),
  ).action(runner.action(showPlan));
}
