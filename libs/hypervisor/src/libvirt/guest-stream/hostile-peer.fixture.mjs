// A guest that is out for harm, as a process of its own: `node THIS socket kind`.
import { connect } from 'node:net';

const [path, kind] = process.argv.slice(2);
const port = connect(path);
port.on('error', () => process.exit(0)).on('close', () => process.exit(0));

const frame = (type, stream, payload = Buffer.alloc(0), claimed = payload.length) => {
  const header = Buffer.alloc(8);
  header.writeUInt8(type, 0);
  header.writeUInt16BE(claimed, 2);
  header.writeUInt32BE(stream, 4);
  return Buffer.concat([header, payload]);
};
const times = (count, bytes) => Buffer.concat(Array.from({ length: count }, () => bytes));
const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Says it for ever, as fast as it is taken; asks `next` for each piece. */
const forEver = (next) => {
  const more = () => {
    while (port.write(next()));
    port.once('drain', more);
  };
  more();
};

const afterHello = {
  silent: () => undefined,
  garbage: () => forEver(() => Buffer.alloc(65_536, 'x')),
  claims: () => port.write(frame(3, 1, Buffer.alloc(10), 65_535)),
  'claims-4-gib': () => forEver(() => Buffer.alloc(65_536, 0xff)),
  'tiny-data': () => port.write(times(131_072, frame(3, 1, Buffer.of(1)))),
  'tiny-credit': () => forEver(() => times(4_000, frame(4, 1, u32(1)))),
  resets: () => forEver(() => times(4_000, frame(6, 1))),
  pongs: () => forEver(() => times(4_000, frame(8, 0, Buffer.alloc(8)))),
  'wrong-credit': () => port.write(frame(4, 1, u32(0xffff_ffff))),
  'over-credit': () => forEver(() => frame(3, 1, Buffer.alloc(60_000))),
  'unknown-ids': () => forEver(() => times(4_000, frame(3, 0x7fff_fff1, Buffer.of(1)))),
  /** Nothing but what it was granted: data a byte at a time, for ever. */
  'granted-bytes': () => {
    let granted = 131_072;
    let held = Buffer.alloc(0);
    const more = () => {
      while (granted > 0) {
        const count = Math.min(granted, 4_000);
        granted -= count;
        if (!port.write(times(count, frame(3, 1, Buffer.of(1))))) return port.once('drain', more);
      }
    };
    port.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 8 && held.length >= 8 + held.readUInt16BE(2)) {
        const length = held.readUInt16BE(2);
        if (held[0] === 4) granted += held.readUInt32BE(8);
        held = held.subarray(8 + length);
      }
      more();
    });
    more();
  },
};

if (kind === 'garbage-for-hello') forEver(() => Buffer.alloc(65_536, 'BELLOWS-STREAMS1'));
else {
  port.once('data', (hello) => {
    port.write(hello.subarray(0, 40));
    // The stream is opened meanwhile.
    setTimeout(afterHello[kind], 100);
  });
  // What the host says later is read, and not heeded.
  port.on('data', () => undefined);
}
