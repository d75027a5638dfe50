import { createServer, type IncomingMessage } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { run } from './run.js';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly authorization: string | undefined;
}
/** Null breaks the connection off. */
export type Canned = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
} | null;

/** An HTTP server of canned answers: for failures that a real API gives only by chance. */
export async function cannedApi(answer: (asked: Asked, nth: number) => Canned) {
  const log: Asked[] = [];
  const asked = ({ method, url, headers }: IncomingMessage): Asked => ({
    method: method!,
    path: url!,
    key: headers['idempotency-key'] as string | undefined,
    authorization: headers.authorization,
  });
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      log.push(asked(request));
      const canned = answer(log.at(-1)!, log.length);
      if (canned === null) return void request.socket.destroy();
      const type = canned.status < 400 ? 'application/json' : 'application/problem+json';
      response.writeHead(canned.status, { 'content-type': type, ...canned.headers });
      response.end(canned.body === undefined ? undefined : JSON.stringify(canned.body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, log, close: () => new Promise((done) => (server.closeAllConnections(), server.close(done))) };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A home folder of its own, and `bellows` in it. */
export async function freshHome() {
  const home = await mkdtemp(join(tmpdir(), 'bellows cli '));
  const bellows = async (args: string[], env: Record<string, string> = {}, stdin = ''): Promise<Ran> => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const input = Readable.from([stdin]);
    const interrupted = new AbortController().signal;
    const io = { env: { HOME: home, ...env }, cwd: home, stdin: input, stdout, stderr, interrupted };
    const code = await run(args, io);
    const text = (stream: PassThrough) => String(stream.read() ?? '');
    return { code, out: text(stdout), err: text(stderr) };
  };
  return { home, bellows, remove: () => rm(home, { recursive: true, force: true }) };
}
