import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { folderShelf } from './snapshot/folder-shelf.js';
import type { CloudRegistryOptions } from './registry/cloud-registry.js';
import { SimulatedEngines } from './simulated-engines.js';

export const realClock = {
  now: () => Date.now(),
  sleep: async (ms: number, signal?: AbortSignal) => sleep(ms, undefined, { signal, ref: false }),
};

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly text: string;
  readonly json: any;
}

/** One instance's engine behind a unix socket, spoken to with plain HTTP. */
export async function simulatedEngine(
  size = { vcpus: 2, ramMib: 1024 },
  folder = '',
  registry?: CloudRegistryOptions,
) {
  const home = await mkdtemp(join(tmpdir(), 'bellows-engine-'));
  const socketPath = join(home, 'docker.sock');
  const shelf = folder === '' ? undefined : folderShelf(folder);
  const engines = new SimulatedEngines({
    seed: 'spec',
    clock: realClock,
    sizeOf: () => size,
    shelf,
    registry,
  });
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    engines.accept('instance-one', socket);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));

  const open = (method: string, path: string, body?: object | Buffer, more: Record<string, string> = {}) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const data = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
      const headers = {
        host: 'docker',
        'content-type': 'application/json',
        'content-length': data?.length ?? 0,
        ...more,
      };
      request({ socketPath, method, path, headers, agent: false }, resolve).on('error', reject).end(data);
    });
  const ask = async (
    method: string,
    path: string,
    body?: object | Buffer,
    more: Record<string, string> = {},
  ): Promise<Answer> => {
    const answer = await open(method, path, body, more);
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    const text = bytes.toString();
    const isJson = answer.headers['content-type'] === 'application/json' && !text.trim().includes('\n');
    return {
      status: answer.statusCode!,
      headers: answer.headers,
      bytes,
      text,
      json: isJson && text ? JSON.parse(text) : null,
    };
  };
  /** Takes the connection over, as attach and exec do. */
  const upgrade = (path: string, body: object = {}) =>
    new Promise<Socket>((resolve, reject) => {
      const data = Buffer.from(JSON.stringify(body));
      const headers = {
        connection: 'Upgrade',
        upgrade: 'tcp',
        'content-type': 'application/json',
        'content-length': data.length,
      };
      const asked = request({ socketPath, method: 'POST', path, headers, agent: false });
      asked.on('upgrade', (_answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket as Socket);
      });
      asked.on('response', (answer) => reject(new Error(`answered ${answer.statusCode}`)));
      asked.on('error', reject).end(data);
    });
  /** Creates, starts, waits; standard output and error as the log has them. */
  const run = async (image: string, cmd: readonly string[], more: object = {}) => {
    const created = await ask('POST', '/containers/create', { Image: image, Cmd: cmd, ...more });
    if (created.status !== 201) throw new Error(created.text);
    const id: string = created.json.Id;
    const started = await ask('POST', `/containers/${id}/start`);
    if (started.status !== 204) throw new Error(started.text);
    const code: number = (await ask('POST', `/containers/${id}/wait`)).json.StatusCode;
    const logs = await ask('GET', `/containers/${id}/logs?stdout=1&stderr=1`);
    return { id, code, output: unframed(logs.bytes).join('') };
  };
  const close = async () => {
    await engines.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await rm(home, { recursive: true, force: true });
  };
  /** A stream to it, as a guest's. */
  const dial = async (): Promise<Socket> => {
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  };
  return { ask, open, dial, upgrade, run, engines, size, close };
}

/** The payloads of a multiplexed stream, in order. */
export function unframed(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 4);
    found.push(bytes.toString('utf8', at + 8, at + 8 + length));
    at += 8 + length;
  }
  return found;
}

export async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
