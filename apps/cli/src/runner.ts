import type { Command } from 'commander';
import { exit, type ExitCode } from './exit.js';
import type { Io } from './io.js';
import { Session, type GlobalOptions } from './session.js';

type Act<Args extends unknown[]> = (session: Session, ...args: Args) => Promise<ExitCode | void>;

/** Runs one command's action with a session of its own, and keeps its exit code. */
export class Runner {
  code: ExitCode = exit.ok;
  session: Session;

  constructor(private readonly io: Io) {
    this.session = new Session(io, {});
  }

  /** What commander calls: the arguments, the command's own options, the command. */
  action<Args extends unknown[]>(act: Act<Args>) {
    return async (...given: unknown[]): Promise<void> => {
      const command = given.pop() as Command;
      this.session = new Session(this.io, command.optsWithGlobals<GlobalOptions>());
      this.code = (await act(this.session, ...(given as Args))) ?? exit.ok;
    };
  }
}

/** A file of commands/: adds one noun to the program. */
export type Noun = (program: Command, runner: Runner) => void;
