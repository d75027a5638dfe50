import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { makeAuthority, signServer } from '../docker/certificates.js';
import { fastifyAdapter } from './fastify.js';
import { makeLogger } from './logger.js';

let [folder, ca] = ['', ''];
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bellows-https-'));
  const validity = { from: Date.now() - 60_000, to: Date.now() + 3_600_000 };
  const authority = await makeAuthority('test', validity);
  const { key, certificate } = await signServer(authority, ['127.0.0.1'], validity);
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await Promise.all([writeFile(certFile, certificate), writeFile(keyFile, key)]);
  ca = authority.certificate;
  server = fastifyAdapter({ tls: { certFile, keyFile } }, makeLogger('silent')).getHttpServer() as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

it('hears a client to its end over TLS, and answers it then', async () => {
  server.once('upgrade', (_asked, socket: Duplex) => {
    let heard = '';
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    socket.on('end', () => setTimeout(() => socket.end(`<${heard}>`), 50));
  });
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', ca });
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write('POST /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
  await once(socket, 'data');
  socket.end('piped');
  await once(socket, 'close');
  expect(text).toMatch(/<piped>$/);
});
