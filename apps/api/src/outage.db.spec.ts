import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { aHost, anInstance, TestApi } from './api.fixture.js';

/** A wire to the database that can be cut. */
class Wire {
  private readonly sockets = new Set<Socket>();
  private cut = false;
  private constructor(private readonly server: Server) {}

  static async to(port: number, host: string): Promise<Wire> {
    const wire: Wire = new Wire(createServer((inside) => wire.join(inside, connect(port, host))));
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  down(): void {
    this.cut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  up(): void {
    this.cut = false;
  }

  close(): void {
    this.down();
    this.server.close();
  }

  private join(inside: Socket, outside: Socket): void {
    if (this.cut) {
      inside.destroy();
      outside.destroy();
      return;
    }
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      this.sockets.add(one);
      one.pipe(other);
      one
        .on('error', () => undefined)
        .on('close', () => {
          this.sockets.delete(one);
          other.destroy();
        });
    }
  }
}

let api: TestApi;
let wire: Wire;
beforeAll(async () => {
  api = await TestApi.start({}, async (url) => {
    wire = await Wire.to(Number(url.port || 5432), url.hostname);
    url.host = `127.0.0.1:${wire.port}`;
    return url;
  });
  await api.call('POST', '/v1/hosts', aHost());
}, 60_000);
afterAll(async () => {
  wire.up();
  await api.close();
  wire.close();
}, 30_000);

describe('while the database is away', () => {
  it('answers 503 and when to come back, and works again as soon as the database does', async () => {
    expect((await api.call('POST', '/v1/instances', anInstance('before'))).status).toBe(202);
    wire.down();
    for (const [method, path, body] of [
      ['GET', '/v1/instances'],
      ['GET', '/v1/plans'],
      ['POST', '/v1/instances', anInstance('during')],
      ['POST', '/v1/projects', { name: 'during' }],
    ] as const) {
      const answer = await api.call(method, path, body);
      expect([path, answer.status, answer.body['code']]).toEqual([path, 503, 'unavailable']);
      expect(answer.headers.get('retry-after')).toBe('2');
    }
    expect((await api.call('GET', '/readyz')).status).toBe(503);
    expect((await api.call('GET', '/healthz')).status).toBe(200);
    wire.up();
    const again = await api.call('POST', '/v1/instances', anInstance('after'));
    expect(again.status).toBe(202);
    const { body } = await api.call('GET', '/v1/instances');
    expect(body['items'].map(({ name }: { name: string }) => name).sort()).toEqual(['after', 'before']);
  }, 60_000);
});
