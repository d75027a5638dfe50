import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildLog, loudPart } from './child-log.js';

export interface ChildSpec {
  readonly name: string;
  /** Path of its main file. */
  readonly main: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly logFolder: string;
  /** Between a polite request and SIGKILL. */
  readonly graceMs: number;
  /** 0..19; the higher, the more it gives way. */
  readonly niceness: number;
}

/** What a child prints when it can be used. */
export type Ready = { readonly ready: true } & Readonly<Record<string, unknown>>;

const guard = fileURLToPath(new URL('./orphan-guard.js', import.meta.url));
const readyWithinMs = 90_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** A child that ran that long had started well. */
const healthyMs = 60_000;

/** One child process, kept alive: restarted with a growing pause until it is told to stop. */
export class Child {
  #process: ChildProcess | null = null;
  #stopping = false;
  #everReady = false;
  #becameReady: () => void = () => undefined;
  #pauseMs = firstPauseMs;
  #restart: NodeJS.Timeout | undefined;
  readonly #log: ChildLog;

  constructor(
    private readonly spec: ChildSpec,
    private readonly say: (text: string) => void,
    /** What it printed when it came up; may change what later starts are given. */
    private readonly onReady: (ready: Ready) => NodeJS.ProcessEnv | void,
  ) {
    this.#log = new ChildLog(join(spec.logFolder, `${spec.name}.log`), (line) => this.#heard(line));
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves when it is ready. A first start that fails is final. */
  async start(): Promise<void> {
    await this.#launch();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (child && running(child)) await end(child, this.spec.graceMs);
    this.#log.end();
  }

  /** For the impatient. */
  kill(): void {
    this.#stopping = true;
    this.#process?.kill('SIGKILL');
  }

  async #launch(): Promise<void> {
    const { main, environment } = this.spec;
    const child = spawn(process.execPath, ['--enable-source-maps', '--import', guard, main], {
      env: environment,
      detached: true,
      stdio: ['ignore', this.#log.fd, this.#log.fd, 'ipc'],
    });
    this.#process = child;
    if (child.pid !== undefined && this.spec.niceness > 0) giveWay(child.pid, this.spec.niceness);
    const started = Date.now();
    child.once('exit', (code, signal) => this.#gone(started, signal ?? `code ${code}`));
    await this.#untilReady(child);
    this.#everReady = true;
  }

  #untilReady(child: ChildProcess): Promise<void> {
    const { name, logFolder } = this.spec;
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${name} is not ready; see ${logFolder}`)),
        readyWithinMs,
      );
      const failed = (why: string) => {
        clearTimeout(late);
        reject(new Error(`${name} did not start (${why}); see ${logFolder}`));
      };
      child.once('error', (error) => failed(error.message));
      child.once('exit', (code, signal) => failed(signal ?? `code ${code}`));
      this.#becameReady = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }

  #heard(line: string): void {
    const ready = readyLine(line);
    if (ready) {
      Object.assign(this.spec.environment, this.onReady(ready));
      return this.#becameReady();
    }
    const loud = loudPart(line);
    if (loud) this.say(`${this.spec.name}: ${loud}`);
  }

  #gone(started: number, how: string): void {
    if (this.#stopping || !this.#everReady) return;
    if (Date.now() - started > healthyMs) this.#pauseMs = firstPauseMs;
    this.say(`${this.spec.name} ended (${how}); starting it again in ${this.#pauseMs / 1000} s`);
    this.#restart = setTimeout(() => {
      this.#launch().then(
        () => this.say(`${this.spec.name} runs again`),
        () => undefined, // its exit starts it again
      );
    }, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
  }
}

/**
 * A child is a session of its own, and where the kernel groups sessions (autogroup) niceness counts within one only:
 * between sessions it is the group's own that counts, see sched(7).
 */
function giveWay(pid: number, niceness: number): void {
  setPriority(pid, niceness);
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
  } catch {
    // This kernel groups no sessions.
  }
}

const running = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

async function end(child: ChildProcess, graceMs: number): Promise<void> {
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const hurry = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(hurry);
}

function readyLine(line: string): Ready | null {
  if (!line.startsWith('{"ready":true')) return null;
  return JSON.parse(line) as Ready;
}
