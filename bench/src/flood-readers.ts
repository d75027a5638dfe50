/**
 * `flood-readers.js URL STREAMS PIECE_EVERY_MS`: that many docker streams of one instance, half of them `logs -f` and half `attach`, each
 * read as fast as it comes (0), or a piece every so many ms. Prints the bytes it has read each second.
 */
import { connect } from 'node:net';

const [docker = '', streams = '8', everyMs = '0'] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(docker);
const token = process.env['BELLOWS_TOKEN'] ?? '';

let bytes = 0;
for (let i = 0; i < Number(streams); i++) {
  const line = connect({ host: hostname, port: Number(port) });
  const [method, rest, more] =
    i % 2 === 0
      ? ['GET', 'logs?follow=1&stdout=1', '']
      : ['POST', 'attach?stream=1&stdout=1', 'Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n'];
  line.write(
    `${method} ${pathname}/containers/web/${rest} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\n${more}\r\n`,
  );
  line.on('data', (part) => {
    bytes += part.length;
    if (everyMs === '0') return;
    line.pause();
    setTimeout(() => line.resume(), Number(everyMs));
  });
  line.on('close', () => process.exit(1));
  line.on('error', () => process.exit(1));
}
setInterval(() => {
  console.log(JSON.stringify({ bytes }));
  bytes = 0;
}, 1_000);
