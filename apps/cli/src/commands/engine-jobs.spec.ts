import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freshHome } from '../cli.fixture.js';

const job = (more: object = {}) => ({
  id: 'job-0123456789abcdefghjk',
  instanceId: 'i-0123456789abcdefghjk',
  principal: 'tok-1',
  route: 'POST /containers/{id}/wait',
  verb: 'container wait',
  container: { id: 'c0ffee'.repeat(10), name: 'w\u001b[2Jeb' },
  image: null,
  network: null,
  volume: null,
  startedAt: '2030-01-01T10:20:30.000Z',
  durationMs: 1234,
  outcome: 'succeeded',
  httpStatus: 200,
  bytesIn: 0,
  bytesOut: 17,
  calls: 1,
  events: [{ action: 'die', exitCode: 3, signal: null }],
  eventsDropped: 0,
  ...more,
});

describe('bellows engine-jobs', () => {
  let home: Awaited<ReturnType<typeof freshHome>>;
  const asked: IncomingMessage[] = [];
  /** Tells one job on a line that breaks, and then knows nothing any more. */
  const server = createServer((request, response) => {
    if (request.headers.accept !== 'text/event-stream') {
      const items = [job(), job({ outcome: 'running', durationMs: null, calls: 3, container: null })];
      response.setHeader('content-type', 'application/json');
      return void response.end(JSON.stringify({ items, nextCursor: null }));
    }
    asked.push(request);
    if (asked.length > 1) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`id: 6\nevent: engine-job\ndata: ${JSON.stringify(job())}\n\nevent: resync\ndata: {}\n\n`);
    setTimeout(() => response.destroy(), 50);
  });
  beforeEach(async () => {
    home = await freshHome();
    asked.length = 0;
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterEach(async () => {
    await home.remove();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const bellows = (...args: string[]) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return home.bellows(['engine-jobs', 'i-0123456789abcdefghjk', ...args], {
      BELLOWS_URL: url,
      BELLOWS_TOKEN: 'bws_test',
    });
  };

  it('lists what commands became, in text a terminal may show', async () => {
    const { code, out } = await bellows();
    expect(code).toBe(0);
    expect(out).toMatch(/JOB +OF +OUTCOME/);
    expect(out).toMatch(/container wait +w\ufffd\[2Jeb +✓ succeeded +200 +1\.2 ?s .*die 3/);
    expect(out).toMatch(/container wait ×3 +— +◐ running/);
  });

  it('follows them, goes on where a line broke, and ends when there is nothing to follow', async () => {
    const { code, out, err } = await bellows('--follow', '--verb', 'container wait');
    expect(out).toMatch(/^10:20:30 {2}✓ succeeded {2}container wait {2}w\ufffd\[2Jeb {2}1\.2 ?s {2}die 3\n$/);
    expect(err).toContain('unseen');
    expect(err).toContain('404');
    expect(code).not.toBe(0);
    expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '6']);
    expect(asked[0]!.url).toContain('verb=container+wait');
  });
});
