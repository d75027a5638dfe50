import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CarryBench } from './carry.fixture.js';

let bench: CarryBench;
beforeAll(async () => void (bench = await CarryBench.start()));
afterAll(() => bench.close());
beforeEach(() => {
  bench.engine.forget();
  bench.engine.raw = null;
  bench.ended.length = 0;
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const ask = (protocol: string, body = '') =>
  `POST /exec/1/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: Upgrade\r\n` +
  `Upgrade: ${protocol}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const agree = (protocol: string) =>
  `HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nSet-Cookie: a=b\r\n` +
  `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;

describe('an upgrade', () => {
  it.each(['tcp', 'h2c'])('to %s is a stream both ways, body first', async (protocol) => {
    bench.engine.upgrade = (_asked, socket, head) => {
      expect(head.toString()).toBe('{"Tty":true}');
      socket.write(`${agree(protocol)}hello `);
      socket.on('data', (chunk) => socket.write(chunk.toString().toUpperCase()));
      socket.on('end', () => socket.end('bye'));
    };
    const line = await bench.dial();
    line.socket.write(ask(protocol, '{"Tty":true}'));
    await line.until('hello ');
    expect(line.text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(line.text).toContain(`\r\nUpgrade: ${protocol}\r\n`);
    expect(line.text).not.toMatch(/set-cookie/i);
    line.socket.write('ls\n');
    await line.until('LS\n');
    line.socket.end();
    await line.until('bye');
    expect(await bench.over(1)).toMatchObject({ how: 'done', status: 101 });
  });

  it('keeps half a stream open, whichever half ends first', async () => {
    let guest: import('node:net').Socket | null = null;
    bench.engine.upgrade = (_asked, socket) => {
      guest = socket;
      socket.write(agree('tcp'));
    };
    const line = await bench.dial();
    line.socket.write(ask('tcp'));
    await line.until('raw-stream');
    guest!.end('last words');
    await line.until('last words');
    await line.until(() => line.ended);
    let heard = '';
    guest!.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    line.socket.write('still here');
    await line.until(() => heard === 'still here');
    expect(bench.ended).toHaveLength(0);
    line.socket.end();
    expect((await bench.over(1)).how).toBe('done');
  });

  it('that is refused is answered, and what was sent ahead never reaches the engine', async () => {
    bench.engine.upgrade = (_asked, socket) => {
      socket.write(
        'HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"message":"n"',
      );
    };
    const line = await bench.dial();
    line.socket.write(`${ask('tcp', '{}')}GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`);
    await line.until('{"message":"n"');
    await line.until(() => line.ended);
    expect(line.text).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/);
    expect(line.text).toMatch(/\r\nConnection: close\r\n/);
    await bench.over(1);
    expect(bench.engine.wires.join('')).not.toContain('smuggled');
    expect(bench.engine.seen).toHaveLength(1);
    line.socket.destroy();
  });

  it('holds what is sent ahead until the engine has agreed', async () => {
    bench.engine.upgrade = (_asked, socket, head) => {
      let heard = head.toString();
      socket.on('data', (chunk) => (heard += chunk.toString()));
      setTimeout(() => {
        expect(heard).toBe('');
        socket.write(agree('h2c'));
        setTimeout(() => socket.end(`heard ${heard}`), 50);
      }, 50);
    };
    const line = await bench.dial();
    line.socket.write(`${ask('h2c')}PRI * HTTP/2.0`);
    await line.until('heard PRI * HTTP/2.0');
    line.socket.destroy();
    await bench.over(1);
  });

  it.each([
    ['another protocol than asked', agree('h2c')],
    ['no protocol', 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\n'],
    ['no HTTP', 'garbage\r\n\r\n'],
    ['nothing', ''],
  ])('that is agreed to with %s is a 502', async (_what, bytes) => {
    bench.engine.upgrade = (_asked, socket) => void socket.end(bytes);
    const line = await bench.dial();
    line.socket.write(ask('tcp'));
    await line.until('engine-unreachable');
    expect(line.text).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect((await bench.over(1)).how).toBe('failed');
    line.socket.destroy();
  });

  it('whose caller is gone is gone in the guest, and the reverse', async () => {
    bench.engine.upgrade = (_asked, socket) => void socket.write(`${agree('tcp')}on`);
    const first = await bench.dial();
    first.socket.write(ask('tcp'));
    await first.until('\r\n\r\non');
    first.socket.resetAndDestroy();
    expect((await bench.over(1)).how).toBe('gone');
    await pause(50);
    expect(bench.engine.sockets.size).toBe(0);
    const second = await bench.dial();
    second.socket.write(ask('tcp'));
    await second.until('\r\n\r\non');
    for (const socket of bench.engine.sockets) socket.resetAndDestroy();
    await second.until(() => second.ended);
    expect((await bench.over(2)).how).toBe('failed');
  });

  it('whose caller goes before the answer leaves nothing behind', async () => {
    bench.engine.upgrade = () => undefined;
    const line = await bench.dial();
    line.socket.write(ask('tcp'));
    await line.until(() => bench.engine.seen.length === 1);
    line.socket.resetAndDestroy();
    expect((await bench.over(1)).how).toBe('gone');
    await pause(50);
    expect(bench.engine.sockets.size).toBe(0);
  });
});
