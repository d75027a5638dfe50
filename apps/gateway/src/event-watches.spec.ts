import { request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HostId, InstanceId } from '@bellows/domain/ids';
import { readEvent } from '@bellows/engine/jobs/reduce';
import { passageHeaders } from '@bellows/engine/proxy/passage';
import { RecordingEngine } from '@bellows/engine/proxy/recording-engine.fixture';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import { Gateway } from './gateway.js';

const secret = 'gateway-secret-of-the-tests';
const host = { id: 'h-00000000000000000000' as HostId, driver: 'sim', uri: 'sim:a' } as const;
const instanceId = 'i-00000000000000000000' as InstanceId;
const headers = Object.fromEntries(
  passageHeaders({ host, instanceId, principal: 'api', question: 'events' }, secret),
);
const until = async (what: () => boolean): Promise<void> => {
  for (const end = Date.now() + 5_000; !what(); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (Date.now() > end) throw new Error(`waited in vain for ${String(what)}`);
};
const said = (action: string, more = {}) =>
  `${JSON.stringify({ Type: 'container', Action: action, Actor: { ID: 'c1', Attributes: { name: 'web', ...more } } })}\n`;

describe("an engine's events, read by the gateway", () => {
  let [engine, gateway, url] = [null! as RecordingEngine, null! as Gateway, ''];
  beforeEach(async () => {
    engine = await RecordingEngine.start();
    gateway = new Gateway({ secret, streams: engine, log: () => undefined });
    url = await gateway.listen('127.0.0.1', 0);
  });
  afterEach(async () => {
    await gateway.close();
    await engine.close();
  });

  const listen = (since = 1_000) =>
    new Promise<{ status: number; lines: any[]; state: { ended: boolean }; leave: () => void }>(
      (resolve, reject) => {
        const asked = request(
          `${url}/?since=${since}`,
          { headers, agent: false },
          (answer: IncomingMessage) => {
            const [lines, state] = [[] as any[], { ended: false }];
            let rest = '';
            answer.setEncoding('utf8').on('data', (part: string) => {
              const parts = (rest + part).split('\n');
              rest = parts.pop()!;
              lines.push(...parts.map((line) => JSON.parse(line)));
            });
            answer.on('close', () => (state.ended = true)).on('error', () => undefined);
            resolve({ status: answer.statusCode!, lines, state, leave: () => asked.destroy() });
          },
        );
        asked.on('error', reject).end();
      },
    );
  const engineSays = () => {
    const answers: NodeJS.WritableStream[] = [];
    engine.serve = (_asked, answer) => {
      answers.push(answer.writeHead(200, { 'content-type': 'application/json' }));
      answer.flushHeaders();
    };
    return (text: string) => answers.forEach((answer) => answer.write(text));
  };

  it('come as clean small records, and one reading serves all who listen', async () => {
    const say = engineSays();
    const first = await listen(1_795_000_000_123);
    say(said('exec_create: sh -c secret', { name: 'w\u001beb', execID: 'e1', password: 'x' }));
    await until(() => first.lines.length === 1);
    expect(Object.keys(first.lines[0])).toEqual(['event']);
    expect(readEvent(first.lines[0].event)).toMatchObject({
      action: 'exec_create',
      name: 'web',
      execId: 'e1',
    });
    expect(JSON.stringify(first.lines)).not.toMatch(/secret|password/);
    expect(engine.seen).toMatchObject([{ method: 'GET', url: '/events?since=1795000000.123' }]);
    // Who joins late hears what has just been; not what was before it asked.
    const [second, third] = [await listen(Date.now() - 5_000), await listen(Date.now() + 5_000)];
    say(said('die', { exitCode: '3' }));
    await until(() => [first, second].every(({ lines }) => lines.length === 2) && third.lines.length === 1);
    expect(second.lines).toEqual(first.lines);
    expect(engine.seen).toHaveLength(1);
    first.leave();
    second.leave();
    say(said('destroy'));
    await until(() => third.lines.length === 2);
    third.leave();
    await until(() => engine.sockets.size === 0);
  });

  it('end when the engine ends them, and can be asked for again', async () => {
    engine.serve = (_asked, answer) => void answer.writeHead(200).end(said('start'));
    for (let n = 0; n < 2; n++) {
      const { lines, state } = await listen();
      await until(() => state.ended);
      expect(lines).toHaveLength(1);
    }
  });

  it('are refused, and nothing stays open, where there are none', async () => {
    for (const raw of [
      (socket: Socket) => void socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}'),
      (socket: Socket) => void socket.end('\u0000\u0001\u0002 no HTTP\r\n\r\n'),
      (socket: Socket) => void socket.destroy(),
    ]) {
      engine.raw = raw;
      expect((await listen()).status).toBe(502);
    }
    engine.open = () => Promise.reject(new GuestUnreachableError('not-running', 'x'));
    expect((await listen()).status).toBe(409);
  });

  it('of an engine that floods are read at a pace, counted, and harm nobody', async () => {
    const line = said('start', { padding: 'x'.repeat(500) });
    const flood = Buffer.from(line.repeat(120));
    let sent = 0;
    engine.raw = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && socket.write(flood)) sent += flood.length;
      };
      socket.on('drain', more).on('error', () => undefined);
      more();
    };
    const [began, cpu] = [Date.now(), process.cpuUsage()];
    const { lines, leave } = await listen();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const events = lines.filter(({ event }) => event !== undefined);
    const dropped = lines.findLast((record) => record.dropped !== undefined)?.dropped;
    expect(events.length).toBeLessThan(200 + 60 * ((Date.now() - began) / 1000) + 50);
    expect(events.length).toBeGreaterThanOrEqual(200);
    expect(dropped).toBeGreaterThan(100);
    // What is read, and what lies in buffers between here and there.
    expect(sent).toBeLessThan(16 * 1024 * 1024);
    expect(process.cpuUsage(cpu).user / 1000).toBeLessThan(1_500);
    leave();
    await until(() => engine.sockets.size === 0);
  });
});
