import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ListeningSocket {
  readonly path: string;
  /** The next one who connects. */
  accept(): Promise<Socket>;
  close(): Promise<void>;
}

export async function listenOnSocket(): Promise<ListeningSocket> {
  const folder = await mkdtemp(join(tmpdir(), 'bellows-streams-'));
  const path = join(folder, 'port');
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  return {
    path,
    accept: async () => ((await once(server, 'connection')) as [Socket])[0],
    close: async () => {
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Two ends of one socket. */
export async function socketPair(): Promise<readonly [Socket, Socket]> {
  const listening = await listenOnSocket();
  const accepted = listening.accept();
  const near = connect(listening.path);
  await once(near, 'connect');
  const far = await accepted;
  await listening.close();
  return [near, far];
}
