import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rm } from 'node:fs/promises';

export class HomeInUseError extends Error {
  constructor(home: string, holder: string) {
    super(
      `${home} is in use by ${holder}.\nStop that one first, or give this one its own BELLOWS_HOME (and BELLOWS_PORT).`,
    );
    this.name = 'HomeInUseError';
  }
}

export interface HomeLock {
  /** What is said to whoever finds the home in use. */
  describe(holder: string): void;
  release(): Promise<void>;
}

/** On Linux an abstract socket: the kernel lets go of it with the process, whatever ends that. */
async function addressOf(home: string): Promise<string> {
  const key = createHash('sha256')
    .update(await realpath(home))
    .digest('hex')
    .slice(0, 32);
  return process.platform === 'linux' ? `\0bellows-home-${key}` : join(tmpdir(), `bellows-home-${key}.sock`);
}

const listen = (server: Server, address: string) =>
  new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(address, () => resolve(true));
  });

/** Null when nobody answers any more. */
const askHolder = (address: string) =>
  new Promise<string | null>((resolve) => {
    const socket = connect(address);
    let text = '';
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (part) => (text += String(part)));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text || null));
  });

/** One cloud a home at a time. Throws `HomeInUseError`. */
export async function lockHome(home: string): Promise<HomeLock> {
  const address = await addressOf(home);
  for (let attempt = 1; ; attempt++) {
    let holder = `process ${process.pid}`;
    const server = createServer((socket) => socket.on('error', () => undefined).end(holder));
    if (await listen(server, address)) {
      server.unref();
      return {
        describe: (text) => (holder = text),
        release: () => new Promise((resolve) => server.close(() => resolve())),
      };
    }
    const found = await askHolder(address);
    if (found || attempt >= 3) throw new HomeInUseError(home, found ?? 'another process');
    if (!address.startsWith('\0')) await rm(address, { force: true });
  }
}
