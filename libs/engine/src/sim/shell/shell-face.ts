import type { Node } from './ast.js';
import type { Scope } from './expand.js';
import type { Io } from './pipes.js';
import type { ShellVariables } from './shell-variables.js';

/** What builtins may do to the shell that runs them. */
export interface ShellFace extends ShellVariables, Scope {
  readonly functions: Map<string, Node>;
  /** Action by signal name, or `EXIT`. */
  readonly traps: Map<string, string>;
  /** Actions of signals that have come and wait for the command in hand to end. */
  readonly pendingTraps: string[];
  readonly shellName: string;
  positional: string[];
  environment(): Map<string, string>;
  source(text: string, io?: Io): Promise<number>;
  invoke(argv: string[], assigns: readonly [string, string][], io: Io): Promise<number>;
}
