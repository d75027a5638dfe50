import type { Process } from '../shell/process.js';
import type { Tty } from '../shell/tty.js';

/** A command to run in a container, as `docker exec` makes it; bare data, and its terminal while it runs. */
export interface Exec {
  readonly id: string;
  readonly containerId: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly tty: boolean;
  readonly user: string;
  readonly workingDir: string;
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly privileged: boolean;
  readonly detachKeys: string;
  started: boolean;
  running: boolean;
  exitCode: number | null;
  pid: number;
  terminal: Tty | null;
  process: Process | null;
}
