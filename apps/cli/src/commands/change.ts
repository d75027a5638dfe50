import type { Accepted, BellowsClient, Instance, Operation } from '@bellows/api-client/client';
import { ProblemError } from '@bellows/api-client/problem';
import { Option, type Command } from 'commander';
import { exit, type ExitCode } from '../exit.js';
import { follow, type WaitOptions } from '../follow/follow.js';
import { exitCodeOfAll, outcomeText } from '../follow/outcome.js';
import { toned } from '../format/styles.js';
import { parseDuration } from '../format/units.js';
import type { Session } from '../session.js';

export const withWait = (command: Command): Command =>
  command
    .option('--wait', 'show its steps until it has ended; the exit code says how')
    .addOption(
      new Option('--timeout <time>', 'with --wait: give up after 90s, 10m, 1h').argParser(parseDuration),
    );

/** Null once nothing is left of it that this token may see. */
export async function instanceNow(api: BellowsClient, id: string): Promise<Instance | null> {
  try {
    const { data } = await api.GET('/v1/instances/{id}', { params: { path: { id } } });
    return data!;
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'not-found') return null;
    throw error;
  }
}

/**
 * What every accepted change ends with: the operation to follow, or with --wait its end.
 * With --json it answers in the shape of the 202, and with --wait as the parts are at the end.
 */
export async function accepted(session: Session, answer: Accepted, options: WaitOptions): Promise<ExitCode> {
  const instances = answer.instances ?? [answer.instance];
  const operations = answer.operations ?? [answer.operation];
  if (!options.wait) {
    session.show(answer, () => operations.map((op, i) => acceptedLine(session, op, instances[i]!)).join(''));
    return exit.ok;
  }
  const labels = instances.map(({ name }) => name);
  const ended = await follow(
    session,
    operations.map((operation, i) => ({ label: labels[i]!, operation })),
    options,
  );
  const api = await session.api;
  const now = await Promise.all(instances.map(({ id }) => instanceNow(api, id)));
  const latest = now.map((one, i) => one ?? instances[i]!);
  const several = answer.operations ? { operations: ended, instances: latest } : {};
  session.show({ ...answer, operation: ended[0]!, instance: latest[0]!, ...several }, () => {
    return ended.map((op, i) => outcomeText(labels[i]!, op, now[i]!, session.paint)).join('');
  });
  return exitCodeOfAll(ended);
}

function acceptedLine({ paint }: Session, { id, kind }: Operation, { name }: Instance): string {
  const next = paint(toned(`bellows op wait ${id}`, 'faint'));
  return `${paint(toned('✓', 'good'))} ${paint(toned(name, 'strong'))}  ${kind} accepted  ${next}\n`;
}
