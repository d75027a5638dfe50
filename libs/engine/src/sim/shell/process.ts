import { limits } from '../limits.js';
import { normalPath } from '../files/node.js';
import { findProgram, type Found } from './find-program.js';
import type { Machine } from './machine.js';
import { BrokenPipe, type Io } from './pipes.js';
import { harmless } from './signals.js';

export class Killed extends Error {
  override readonly name = 'Killed';
  constructor(readonly signal: number) {
    super(`killed by signal ${signal}`);
  }
}

/** The outcome of `exit`. */
export class Exit extends Error {
  override readonly name = 'Exit';
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** A modelled program: runs as that process, to its exit code. */
export type Program = (process: Process) => Promise<number>;

export interface ProcessStart {
  readonly argv: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string;
  readonly user: { readonly uid: number; readonly gid: number; readonly name: string };
  readonly io: Io;
}

/** What a step of a program costs: more than so many of them a second is throttled, as one core would. */
const stepMs = 0.5;
const stepsAtATime = 20;

/** One modelled process: its identity, what it holds of the machine, and how it is ended. */
export class Process {
  readonly env: Map<string, string>;
  readonly argv: readonly string[];
  readonly io: Io;
  readonly startedAt: number;
  cwd: string;
  /** Bytes it holds. */
  memory = 512 * 1024;
  /** Cores it keeps busy. */
  busy = 0;
  /** Milliseconds of processor time its steps took. */
  cpuMs = 0;
  readonly handlers = new Map<number, () => void>();
  private killed: Killed | null = null;
  private readonly rejecters = new Set<(error: Error) => void>();
  private steps = 0;

  constructor(
    readonly table: ProcessTable,
    readonly pid: number,
    readonly ppid: number,
    readonly start: ProcessStart,
  ) {
    this.argv = start.argv;
    this.io = start.io;
    this.env = new Map(start.env);
    this.cwd = start.cwd;
    this.startedAt = this.machine.clock.now();
  }

  get machine(): Machine {
    return this.table.machine;
  }

  path(path: string): string {
    return normalPath(path, this.cwd);
  }

  /** Waits for something, but not beyond its own end. @throws Killed */
  async wait<Value>(what: Promise<Value>): Promise<Value> {
    if (this.killed) {
      // It is not waited for; how it ends is nobody's business.
      what.catch(() => undefined);
      throw this.killed;
    }
    const value = await new Promise<Value>((resolve, reject) => {
      this.rejecters.add(reject);
      what.then(resolve, reject).finally(() => this.rejecters.delete(reject));
    });
    await this.table.thaw();
    if (this.killed) throw this.killed;
    return value;
  }

  async sleep(ms: number): Promise<void> {
    const stop = new AbortController();
    try {
      await this.wait(this.machine.clock.sleep(ms, stop.signal).catch(() => undefined));
    } finally {
      stop.abort();
    }
  }

  /** A small piece of work; loops call it, so that they neither block the engine nor outrun a core. */
  async step(): Promise<void> {
    this.cpuMs += stepMs;
    this.table.cpuMs += stepMs;
    const share = Math.min(1, this.machine.cpuLimit() ?? 1);
    if (++this.steps % stepsAtATime === 0)
      await this.sleep((stepMs * stepsAtATime) / share + this.machine.turnWaitMs());
    else if (this.killed) throw this.killed;
  }

  async out(text: string | Buffer): Promise<void> {
    await this.wait(this.io.stdout.write(typeof text === 'string' ? Buffer.from(text) : text));
  }

  async err(text: string): Promise<void> {
    await this.wait(this.io.stderr.write(Buffer.from(text)));
  }

  /** Holds that much in all from now on. What is over the limit is killed by the kernel's OOM killer. */
  useMemory(bytes: number): void {
    this.memory = bytes;
    if (this.table.memory() <= this.table.memoryCeiling()) return;
    this.machine.onOom();
    this.kill(9);
    throw this.killed ?? new Killed(9);
  }

  keepBusy(cores: number): void {
    this.table.settle();
    this.busy = cores;
  }

  /** Delivers a signal. PID 1 of a namespace gets only those it has a handler for, and SIGKILL from outside. */
  kill(signal: number): void {
    const handler = this.handlers.get(signal);
    if (signal !== 9 && handler) return handler();
    if (signal !== 9 && (harmless.has(signal) || this.pid === 1)) return;
    this.end(signal);
  }

  /** The terminal's ^C ends what has no handler, PID 1 not excepted by the interpreter of a prompt. */
  end(signal: number): void {
    this.killed ??= new Killed(signal);
    for (const reject of [...this.rejecters]) reject(this.killed);
  }

  /** Runs a program as a child. @returns its exit code, 127 for what is not there, 126 for what cannot run. */
  async spawn(argv: readonly string[], change: Partial<ProcessStart> = {}): Promise<number> {
    const start = { ...this.start, env: this.env, cwd: this.cwd, io: this.io, ...change, argv };
    const found = findProgram(this.machine.tree, argv[0] ?? '', start.env.get('PATH'), start.cwd);
    if (found.kind !== 'program' && found.kind !== 'script') {
      await start.io.stderr.write(Buffer.from(`${sayMissing(argv[0] ?? '', found, this.argv[0])}\n`));
      return found.kind === 'missing' ? 127 : 126;
    }
    return this.table.run(this.pid, { ...start, argv }, found);
  }

  /** Runs a program in its own place, as `exec` does: signals reach it, though the model gives it a pid of its own. */
  async become(argv: readonly string[], change: Partial<ProcessStart>): Promise<number> {
    const running = this.spawn(argv, change);
    const pid = this.table.newestChildOf(this.pid);
    const target = pid === null ? undefined : this.table.processes.get(pid);
    if (target) {
      for (const signal of [1, 2, 3, 15])
        this.handlers.set(signal, () => {
          // Where the shell would have been deaf as PID 1, so is what took its place.
          if (this.pid !== 1 || target.handlers.has(signal)) target.kill(signal);
        });
    }
    return this.wait(running);
  }
}

const sayMissing = (name: string, found: Found, shell = 'sh'): string => {
  const asker = shell.split('/').pop()!.replace(/^-/, '');
  switch (found.kind) {
    case 'missing':
      return `${asker}: ${name}: not found`;
    case 'denied':
      return `${asker}: ${name}: Permission denied`;
    default:
      return `${asker}: ${name}: this program is not modelled by the Bellows simulator`;
  }
};

/** The processes of one container: one PID namespace, one memory group. */
export class ProcessTable {
  readonly processes = new Map<number, Process>();
  /** Shells within shells that run now: processes to a kernel, not to the model. */
  subshells = 0;
  cpuMs = 0;
  private nextPid = 1;
  private settledAt: number;
  private frozen: Promise<void> | null = null;
  private unfreeze: (() => void) | null = null;

  constructor(
    readonly machine: Machine,
    private readonly programs: ReadonlyMap<string, Program>,
  ) {
    this.settledAt = machine.clock.now();
  }

  /** Runs a program until it ends. @returns its exit code, 128 + n for signal n. */
  async run(ppid: number, start: ProcessStart, found: Found): Promise<number> {
    if (!this.mayFork()) {
      await start.io.stderr.write(Buffer.from("sh: can't fork: Resource temporarily unavailable\n"));
      return 2;
    }
    const shebang = found.kind === 'script' ? found.interpreter : [];
    const path = found.kind === 'script' ? [found.path] : start.argv.slice(0, 1);
    const argv = [...shebang, ...path, ...start.argv.slice(1)];
    const process = new Process(this, this.nextPid++, ppid, { ...start, argv });
    this.processes.set(process.pid, process);
    try {
      const name = found.kind === 'program' || found.kind === 'script' ? found.program : '';
      const program = this.programs.get(name);
      if (!program) return 126;
      process.useMemory(process.memory);
      return await program(process);
    } catch (error) {
      return exitOf(error, start);
    } finally {
      this.settle();
      this.processes.delete(process.pid);
      // Its background jobs are parts of it in the model, and end with it.
      process.end(9);
      if (process.pid === 1) this.killAll();
    }
  }

  newestChildOf(ppid: number): number | null {
    const children = [...this.processes.values()].filter((process) => process.ppid === ppid);
    return children.at(-1)?.pid ?? null;
  }

  /** Whether there is room for one more, process or subshell. */
  mayFork(): boolean {
    const here = this.processes.size + this.subshells;
    return here < limits.processesPerContainer && this.machine.mayFork();
  }

  /** Bytes held by all. */
  memory(): number {
    let sum = 0;
    for (const process of this.processes.values()) sum += process.memory;
    return sum;
  }

  memoryCeiling(): number {
    const instance = this.machine.size().ramMib * 1024 * 1024;
    return Math.min(this.machine.memoryLimit() ?? instance, instance);
  }

  /** Cores kept busy now, within what the container may have. */
  busyCores(): number {
    let sum = 0;
    for (const process of this.processes.values()) sum += process.busy;
    const { vcpus } = this.machine.size();
    return Math.min(sum, this.machine.cpuLimit() ?? vcpus, vcpus);
  }

  /** Adds what was used since the last time to the processor time. */
  settle(): void {
    const now = this.machine.clock.now();
    if (!this.frozen) this.cpuMs += this.busyCores() * (now - this.settledAt);
    this.settledAt = now;
  }

  pause(): void {
    this.settle();
    this.frozen ??= new Promise((resolve) => (this.unfreeze = resolve));
  }

  unpause(): void {
    this.settle();
    this.unfreeze?.();
    this.frozen = null;
  }

  async thaw(): Promise<void> {
    while (this.frozen) await this.frozen;
  }

  killAll(): void {
    this.unpause();
    for (const process of [...this.processes.values()]) process.kill(9);
  }
}

function exitOf(error: unknown, { io, argv }: ProcessStart): number {
  if (error instanceof Exit) return error.code;
  if (error instanceof Killed) return 128 + error.signal;
  if (error instanceof BrokenPipe) return 141;
  const text = `${argv[0]}: ${error instanceof Error ? error.message : String(error)}\n`;
  void io.stderr.write(Buffer.from(text)).catch(() => undefined);
  return 1;
}
