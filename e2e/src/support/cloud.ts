import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeHome } from './home.js';

/** The repository, seen from jest's root or from a compiled bench. */
export const root = resolve(import.meta.dirname, '../../..');

export interface Answer<Body = any> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** A whole cloud of its own: started as a user starts it, spoken to over REST. */
export interface TestCloud {
  readonly url: string;
  readonly token: string;
  readonly home: string;
  readonly supervisor: ChildProcess;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Waits for the operation's end and returns it. */
  ended(answer: Answer, limitMs?: number): Promise<any>;
  stop(): Promise<void>;
}

export interface CloudOptions {
  readonly hosts: string;
  readonly env?: Record<string, string>;
  /** Keep a home from an earlier start. */
  readonly home?: string;
}

export async function startCloud({ hosts, env = {}, home }: CloudOptions): Promise<TestCloud> {
  const folder = home ?? (await mkdtemp(join(tmpdir(), 'bellows e2e ')));
  const port = await freePort();
  const supervisor = spawn(process.execPath, [join(root, 'apps/stack/dist/main.js')], {
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      BELLOWS_HOME: folder,
      BELLOWS_PORT: String(port),
      BELLOWS_HOSTS: hosts,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [supervisor.stdout, supervisor.stderr])
    stream.on('data', (chunk) => (output += String(chunk)));
  const url = `http://127.0.0.1:${port}`;
  await ready(url, supervisor, () => output);
  const token = (await readFile(join(folder, 'admin-token'), 'utf8')).trim();
  const call = caller(url, token);
  return {
    url,
    token,
    home: folder,
    supervisor,
    call,
    ended: (answer, limitMs = 300_000) => ended(call, answer, limitMs),
    stop: async () => {
      await end(supervisor);
      if (home === undefined) await removeHome(folder);
    },
  };
}

async function ready(url: string, supervisor: ChildProcess, output: () => string): Promise<void> {
  for (const until = Date.now() + 120_000; Date.now() < until; await sleep(200)) {
    if (supervisor.exitCode !== null) throw new Error(`the cloud did not start:\n${output()}`);
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.status !== 200) continue;
    // Ready to answer is not yet enrolled: the summary comes last.
    if (output().includes(url) || output().includes(url.slice(7))) return;
  }
  throw new Error(`the cloud was not ready in time:\n${output()}`);
}

export const caller =
  (url: string, token: string) =>
  async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : JSON.parse(text),
    };
  };

async function ended(call: TestCloud['call'], answer: Answer, limitMs: number): Promise<any> {
  if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${JSON.stringify(answer.body)}`);
  const { id } = answer.body.operation;
  for (const until = Date.now() + limitMs; ;) {
    const { body } = await call('GET', `/v1/operations/${id}?wait=30`);
    if (!['pending', 'running'].includes(body.state)) return body;
    if (Date.now() > until) throw new Error(`operation did not end: ${JSON.stringify(body)}`);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGINT');
  await Promise.race([gone, sleep(60_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
}

export const freePort = (): Promise<number> =>
  new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
