import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { exit, type ExitCode } from '../exit.js';
import type { WaitOptions } from '../follow/follow.js';
import { instanceId } from '../names.js';
import type { Runner } from '../runner.js';
import type { Session } from '../session.js';
import { accepted, withWait } from './change.js';

type Action = 'start' | 'stop' | 'reboot';

const act = (action: Action) => async (session: Session, name: string, options: WaitOptions) => {
  const api = await session.api;
  const path = { id: await instanceId(session, name), action };
  const { data } = await api.POST('/v1/instances/{id}/actions/{action}', { params: { path } });
  return accepted(session, data!, options);
};

/** Asks on a terminal only: a script has nobody to answer. */
async function confirmed(
  { io: { stdin, stderr, interrupted } }: Session,
  question: string,
): Promise<boolean> {
  if (!stdin.isTTY || !stderr.isTTY) return true;
  const prompt = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: interrupted });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

interface DeleteOptions extends WaitOptions {
  readonly yes?: boolean;
}

async function remove(session: Session, name: string, options: DeleteOptions): Promise<ExitCode> {
  const api = await session.api;
  const id = await instanceId(session, name);
  if (!options.yes && !(await confirmed(session, `Delete ${name} with its disk and addresses?`))) {
    session.note('nothing was deleted');
    return exit.ok;
  }
  const { data } = await api.DELETE('/v1/instances/{id}', { params: { path: { id } } });
  return accepted(session, data!, options);
}

const meanings: Readonly<Record<Action, string>> = {
  start: 'power it on',
  stop: 'shut it down; its vCPUs and memory are released',
  reboot: 'shut it down and start it again',
};

export function power(noun: Command, runner: Runner): void {
  for (const action of ['start', 'stop', 'reboot'] as const)
    withWait(noun.command(`${action} <instance>`).description(meanings[action])).action(
      runner.action(act(action)),
    );
  withWait(
    noun
      .command('delete <instance>')
      .alias('rm')
      .description('with its disk and addresses; asks first on a terminal')
      .option('-y, --yes', 'do not ask'),
  ).action(runner.action(remove));
}
