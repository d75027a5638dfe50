import { CommanderError } from 'commander';
import { exit, InterruptedError, type ExitCode } from './exit.js';
import type { Io } from './io.js';
import { exitCodeOf, problemText } from './problem-text.js';
import { makeProgram } from './program.js';
import { Runner } from './runner.js';

/** One call of `bellows`. Never throws. @param args without node and script. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  const runner = new Runner(io);
  try {
    await makeProgram(runner, io).parseAsync([...args], { from: 'user' });
    return runner.code;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 || args.length === 0 ? exit.ok : exit.usage;
    const cause = io.interrupted.aborted && !(error instanceof InterruptedError) ? interrupted : error;
    io.stderr.write(problemText(cause, runner.session.paintErr));
    return exitCodeOf(cause);
  }
}

const interrupted = new InterruptedError('interrupted');
