import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { textIn, writeWhole } from './own-file.js';
import { tokenIssuer, tokenService } from './passport.js';

/** What a unix socket's path may hold, see unix(7). */
const longestSocketPath = 107;
const readyWithinMs = 15_000;
const graceMs = 8_000;
const pauses = [500, 1_000, 2_000, 5_000, 10_000];
/** Stands where the realm will be; it is written anew for every client, after where that came to. */
export const unresolvedRealm = 'https://registry.invalid/token';

export interface DistributionOptions {
  readonly program: string;
  readonly folder: string;
  /** PEM file: certificate of the key that signs tokens. */
  readonly tokenCertificate: string;
  readonly log: (message: string, detail?: unknown) => void;
}

/** Docker's registry as a child, on a unix socket that only we open; started again when it ends by itself. */
export class Distribution {
  #child: ChildProcess | null = null;
  #stopping = false;
  #failures = 0;
  #socket = '';
  #socketFolder: string | null = null;

  constructor(private readonly options: DistributionOptions) {}

  get socketPath(): string {
    return this.#socket;
  }

  get storage(): string {
    return join(this.options.folder, 'storage');
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const { folder } = this.options;
    await mkdir(this.storage, { recursive: true, mode: 0o700 });
    this.#socket = join(folder, 'registry.sock');
    if (Buffer.byteLength(this.#socket) > longestSocketPath) {
      this.#socketFolder = await mkdtemp(join(tmpdir(), 'bellows-registry-'));
      this.#socket = join(this.#socketFolder, 'registry.sock');
    }
    await writeWhole(this.#configFile, JSON.stringify(await this.#configuration(), null, 2));
    await this.#launch();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const hurry = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await gone;
      clearTimeout(hurry);
    }
    if (this.#socketFolder) await rm(this.#socketFolder, { recursive: true, force: true });
  }

  /** Gives back the space of what no tag names any more. Nothing may be pushed meanwhile. */
  async collect(): Promise<void> {
    const { program } = this.options;
    const child = spawn(program, ['garbage-collect', '-m', this.#configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] },
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    if (code !== 0) throw new Error(`${program} garbage-collect ended with ${code}: ${said.trim()}`);
  }

  get #configFile(): string {
    return join(this.options.folder, 'config.yml');
  }

  async #launch(): Promise<void> {
    await rm(this.#socket, { force: true });
    const { program } = this.options;
    // When we are killed, it must not live on and hold the storage.
    const tied = existsSync('/usr/bin/setpriv');
    const [command, ...args] = [
      ...(tied ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM'] : []),
      ...[program, 'serve', this.#configFile],
    ] as [string, ...string[]];
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#heard(text));
    const gone = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
    });
    await this.#untilAnswers(gone);
    this.#failures = 0;
    void gone.then((how) => this.#again(how));
  }

  async #untilAnswers(gone: Promise<string>): Promise<void> {
    const ended = gone.then((how): never => {
      throw new Error(`${this.options.program} ended (${how})`);
    });
    ended.catch(() => undefined);
    const end = Date.now() + readyWithinMs;
    while (!(await Promise.race([answers(this.#socket), ended]))) {
      if (Date.now() > end) throw new Error(`${this.options.program} does not answer`);
      await sleep(20);
    }
  }

  async #again(how: string): Promise<void> {
    while (!this.#stopping) {
      const pause = pauses[Math.min(this.#failures++, pauses.length - 1)]!;
      this.options.log(`the registry ended (${how}); it is started again in ${pause} ms`);
      await sleep(pause);
      if (this.#stopping) return;
      try {
        return await this.#launch();
      } catch (error) {
        how = (error as Error).message;
      }
    }
  }

  #heard(text: string): void {
    for (const line of text.split('\n')) {
      if (/level=(error|fatal|panic)/.test(line) && !/auth|unauthorized|unknown/.test(line)) {
        this.options.log('the registry reports', line.slice(0, 500));
      }
    }
  }

  /** JSON is YAML. The secret outlives a restart, so that an upload can be gone on with. */
  async #configuration(): Promise<object> {
    const path = join(this.options.folder, 'upload-secret');
    const secret = (await textIn(path)) ?? randomBytes(32).toString('base64url');
    await writeWhole(path, secret);
    return {
      version: '0.1',
      log: { level: 'warn', accesslog: { disabled: true } },
      storage: {
        filesystem: { rootdirectory: this.storage, maxthreads: 100 },
        delete: { enabled: true },
        redirect: { disable: true },
        maintenance: { uploadpurging: { enabled: true, age: '24h', interval: '1h', dryrun: false } },
      },
      http: { net: 'unix', addr: this.#socket, secret, headers: { 'X-Content-Type-Options': ['nosniff'] } },
      auth: {
        token: {
          realm: unresolvedRealm,
          service: tokenService,
          issuer: tokenIssuer,
          rootcertbundle: this.options.tokenCertificate,
        },
      },
    };
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const line = connect(socketPath);
    const end = (outcome: boolean) => {
      line.destroy();
      resolve(outcome);
    };
    line.once('connect', () => end(true)).once('error', () => end(false));
  });
}
