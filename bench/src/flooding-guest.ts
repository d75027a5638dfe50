/**
 * Stands for the modelled fleet towards a gateway: whatever is asked of an engine, the answer is a flood, a call's or
 * an upgrade's, as fast as it is taken. Prints where it listens.
 */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { FramedStream } from '@bellows/hypervisor/sim/framed-stream';
import { streamUpgrade } from '@bellows/hypervisor/sim/guest-stream-protocol';

const piece = Buffer.alloc(64 * 1024, 'flood ');
const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);

/** Docker's heads of `attach` and of `logs -f`. */
const attached = 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
const logs =
  'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

const server = createServer().on('upgrade', (_asked, socket: Socket, head: Buffer) => {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${streamUpgrade}\r\n\r\n`,
  );
  flood(new FramedStream(socket, head));
});

function flood(stream: Duplex): void {
  let asked = '';
  stream.on('error', () => undefined);
  stream.on('data', (bytes: Buffer) => {
    if (asked.includes('\r\n\r\n')) return;
    asked += bytes.toString('latin1');
    if (!asked.includes('\r\n\r\n')) return;
    const upgrade = /\r\nupgrade: tcp\r\n/i.test(asked);
    stream.write(upgrade ? attached : logs);
    const more = (): void => {
      while (!stream.destroyed && stream.write(upgrade ? piece : chunk));
    };
    stream.on('drain', more);
    more();
  });
}

server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ listen: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
});
