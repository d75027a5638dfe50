import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';
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

describe('a call', () => {
  it('goes there and comes back, cleaned both ways', async () => {
    bench.engine.serve = async (asked, answer) => {
      await once(asked.resume(), 'end');
      answer.writeHead(201, {
        'content-type': 'application/json',
        'set-cookie': 'a=b',
        'api-version': '1.45',
      });
      answer.end('{"Id":"x"}');
    };
    const answer = await fetch(`${bench.url}/containers/create?name=x`, {
      method: 'POST',
      headers: { authorization: 'Bearer secret', 'content-type': 'application/json' },
      body: '{"Image":"y"}',
    });
    expect([answer.status, await answer.text()]).toEqual([201, '{"Id":"x"}']);
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(answer.headers.get('api-version')).toBe('1.45');
    expect(answer.headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
    expect(bench.engine.wires[0]).toContain('{"Image":"y"}');
    expect(bench.engine.wires[0]).not.toMatch(/authorization|secret/i);
    expect(await bench.over(1)).toMatchObject({ how: 'done', status: 201 });
  });

  it('has its head there long before its body', async () => {
    let finish = (): void => undefined;
    bench.engine.serve = (_asked, answer) => {
      answer.writeHead(200).flushHeaders();
      finish = () => void answer.end('{"StatusCode":0}');
    };
    const answer = await fetch(`${bench.url}/containers/x/wait`, { method: 'POST' });
    expect(answer.status).toBe(200);
    finish();
    expect(await answer.text()).toBe('{"StatusCode":0}');
  });

  it('whose answer is small has it in one piece', async () => {
    bench.engine.serve = (_asked, answer) => void answer.end('{"ok":true}');
    const line = await bench.dial();
    let pieces = 0;
    line.socket.on('data', () => (pieces += 1));
    line.socket.write('GET /version HTTP/1.1\r\nHost: docker\r\n\r\n');
    await line.until('{"ok":true}');
    expect(pieces).toBe(1);
    line.socket.destroy();
  });

  it('is answered early, and the rest of its body is nobody’s', async () => {
    bench.engine.serve = (_asked, answer) => void answer.writeHead(404).end('{"message":"no"}');
    const asked = request(`${bench.url}/build`, { method: 'POST' });
    asked.on('error', () => undefined);
    asked.write('x'.repeat(1024));
    const [answer] = await once(asked, 'response');
    expect(answer.statusCode).toBe(404);
    answer.resume();
    await bench.over(1);
    asked.end('y');
    const again = await fetch(`${bench.url}/build`, { method: 'POST' });
    expect(again.status).toBe(404);
  });

  it('has no body where HTTP has none', async () => {
    bench.engine.serve = (_asked, answer) => void answer.writeHead(204).end();
    expect((await fetch(`${bench.url}/x`, { method: 'DELETE' })).status).toBe(204);
    bench.engine.serve = (_asked, answer) => void answer.writeHead(200, { 'content-length': 5 }).end();
    const head = await fetch(`${bench.url}/_ping`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '5']);
  });

  it('whose caller goes away ends in the guest at once', async () => {
    bench.engine.serve = (_asked, answer) => void answer.writeHead(200).write('tick\n');
    const line = await bench.dial();
    line.socket.write('GET /containers/x/logs?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n');
    await line.until('tick');
    expect(bench.engine.sockets.size).toBe(1);
    line.socket.destroy();
    expect((await bench.over(1)).how).toBe('gone');
    await pause(50);
    expect(bench.engine.sockets.size).toBe(0);
  });

  it('whose engine dies in the middle is cut, not ended', async () => {
    bench.engine.serve = (asked, answer) => {
      answer.writeHead(200).write('half');
      setTimeout(() => asked.socket.destroy(), 30);
    };
    const line = await bench.dial();
    line.socket.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n');
    await line.until(() => line.ended);
    expect(line.text).toContain('half');
    expect(line.text).not.toContain('\r\n0\r\n\r\n');
    expect((await bench.over(1)).how).toBe('failed');
  });
});

const answers: [string, string][] = [
  ['nothing at all', ''],
  ['no HTTP', 'SSH-2.0-OpenSSH_9\r\n'],
  [
    'a length and chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ['a bare line feed in a header', 'HTTP/1.1 200 OK\r\nA: b\nSet-Cookie: x\r\nContent-Length: 0\r\n\r\n'],
  ['a folded header', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: -1\r\n\r\n'],
  ['a NUL in a header', 'HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n'],
  ['a switch nobody asked for', 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nx'],
  ['a bare 101', 'HTTP/1.1 101 Switching\r\n\r\n'],
  [
    'an endless head',
    `HTTP/1.1 200 OK\r\n${'A: '.padEnd(8_000, 'b')}\r\n`.repeat(1) + 'B: '.padEnd(40_000, 'c'),
  ],
  ['many headers', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(90)}Content-Length: 0\r\n\r\n`],
  ['an unknown status', 'HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n'],
  ['HTTP/2', 'HTTP/2 200\r\nContent-Length: 0\r\n\r\n'],
  ['a chunk that lies', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nzz\r\n'],
];

describe('an engine that answers with', () => {
  it.each(answers)('%s gets the caller a 502 with a message, and loses its stream', async (_what, bytes) => {
    bench.engine.raw = (socket: Socket) => {
      socket.once('data', () => socket.end(bytes, 'latin1'));
    };
    const answer = await fetch(`${bench.url}/info`);
    const body = (await answer.json()) as Record<string, unknown>;
    // A bad chunk shows only after a head that was good.
    expect(answer.status).toBe(502);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(body).toMatchObject({ code: 'engine-unreachable', status: 502, message: expect.any(String) });
    expect((await bench.over(1)).how).toBe('failed');
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  it('any number of provisional answers does not count them as one', async () => {
    bench.engine.raw = (socket: Socket) => {
      const early = 'HTTP/1.1 103 Early Hints\r\nLink: </x.js>; rel=preload\r\n\r\n'.repeat(1_000);
      socket.once('data', () => socket.end(`${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`));
    };
    const line = await bench.dial();
    line.socket.write('GET /info HTTP/1.1\r\nHost: x\r\n\r\n');
    await line.until('ok');
    expect(line.text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(line.text).not.toMatch(/link/i);
    line.socket.destroy();
  });

  it('a second answer is not heard', async () => {
    bench.engine.raw = (socket: Socket) => {
      const one = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      socket.once('data', () =>
        socket.end(`${one}HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n\r\nbad`),
      );
    };
    const line = await bench.dial();
    line.socket.write('GET /info HTTP/1.1\r\nHost: x\r\n\r\n');
    await line.until('ok');
    await pause(100);
    expect(line.text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(line.text).not.toMatch(/set-cookie|bad/i);
    line.socket.destroy();
  });
});
