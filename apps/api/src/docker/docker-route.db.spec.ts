import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TestApi } from '../api.fixture.js';
import { DockerBench, until } from './docker-bench.fixture.js';

let bench: DockerBench;
beforeAll(async () => void (bench = await DockerBench.start()), 60_000);
afterAll(() => bench.close(), 30_000);
beforeEach(() => {
  bench.engine.forget();
  bench.engine.serve = (_asked, answer) => {
    answer
      .writeHead(200, { 'content-type': 'application/json', 'api-version': '1.45' })
      .end('{"Version":"26"}');
  };
});

const upgradeOf = (path: string, token: string, protocol = 'tcp') =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: Upgrade\r\n` +
  `Upgrade: ${protocol}\r\nContent-Length: 2\r\n\r\n{}`;

describe('the docker route', () => {
  it("carries a call to the instance's engine and its answer back", async () => {
    const answer = await bench.call('GET', '/v1.45/version?x=%2F..%2F');
    expect(answer).toMatchObject({ status: 200, body: { Version: '26' } });
    expect(answer.headers.get('api-version')).toBe('1.45');
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]+$/);
    expect(bench.engine.seen).toMatchObject([{ method: 'GET', url: '/v1.45/version?x=%2F..%2F' }]);
    expect(bench.engine.wires.join()).not.toMatch(/bellows|bws_|authorization|bearer/i);
    expect((await bench.call('HEAD', '/_ping')).headers.get('api-version')).toBe('1.45');
  });

  it('passes on an upload of any type as it is, and more of it than the API takes elsewhere', async () => {
    let heard = 0;
    bench.engine.serve = (asked, answer) => {
      asked.on('data', (chunk: Buffer) => (heard += chunk.length)).on('end', () => answer.end('{}'));
    };
    for (const type of ['application/x-tar', 'application/json', 'nonsense', 'text/plain']) {
      heard = 0;
      const answer = await fetch(bench.api.url + bench.path('/build'), {
        method: 'POST',
        headers: { authorization: `Bearer ${bench.tokens.member}`, 'content-type': type },
        body: Buffer.alloc(3_000_000),
      });
      expect([type, answer.status, heard]).toEqual([type, 200, 3_000_000]);
    }
  });

  it('upgrades through the whole way', async () => {
    bench.engine.upgrade = (_asked, socket) => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
      socket
        .on('data', (chunk: Buffer) => socket.write(`<${chunk.toString()}>`))
        .on('end', () => socket.end());
    };
    const socket = await bench.dial();
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write(upgradeOf(bench.path('/exec/1/start'), bench.tokens.member));
    await until(() => text.includes('101 Switching Protocols'));
    socket.write('ls');
    await until(() => text.endsWith('<ls>'));
    expect(bench.engine.wires.join()).not.toMatch(/bellows|bws_|authorization/i);
    socket.end();
    await until(() => bench.engine.sockets.size === 0);
  });

  it('takes HTTP/2 offers elsewhere for what they are: offers', async () => {
    const offer = (method: string, path: string, body = '') =>
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bench.tokens.member}\r\n` +
      `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    expect(await bench.raw(offer('GET', '/v1/plans'))).toMatch(/^HTTP\/1\.1 200 OK[^]*ecs-1c1g/);
    const path = `/v1/instances/${bench.instance}/resize-plans`;
    const plan = await bench.raw(offer('POST', path, '{"plan":"ecs-2c2g"}'), 1_500);
    expect(plan).toMatch(/^HTTP\/1\.1 200 OK[^]*"impact"/);
    expect(bench.engine.seen).toEqual([]);
  });
});

describe('who may', () => {
  it('is who has a token, as a bearer and no other way', async () => {
    const cookie = await bench.api.call('GET', bench.path('/info'), undefined, {
      token: null,
      headers: { cookie: `token=${bench.tokens.owner}` },
    });
    expect(cookie).toMatchObject({
      status: 401,
      body: { code: 'unauthorized', message: expect.any(String) },
    });
    expect(cookie.headers.get('www-authenticate')).toBe('Bearer');
    expect(await bench.raw(upgradeOf(bench.path('/exec/1/start'), 'bws_nobody'))).toMatch(/^HTTP\/1\.1 401 /);
    expect(bench.engine.seen).toEqual([]);
  });

  it('is nobody of another project: there is nothing, and the attempt is written down for both', async () => {
    expect(await bench.call('GET', '/info', bench.tokens.stranger)).toMatchObject({
      status: 404,
      body: { code: 'not-found', message: 'There is no such instance.' },
    });
    expect(await bench.raw(upgradeOf(bench.path('/grpc'), bench.tokens.stranger, 'h2c'))).toMatch(
      /^HTTP\/1\.1 404 /,
    );
    for (const projectId of [bench.projectId, bench.strangersProjectId]) {
      const { body } = await bench.api.call('GET', `/v1/audit?project=${projectId}&limit=500`);
      const entry = { action: 'instance.docker.refused', resource: bench.instance };
      expect(body['items']).toContainEqual(expect.objectContaining(entry));
    }
    const unknown = 'i-00000000000000000000';
    expect((await bench.api.call('GET', bench.path('/info', unknown))).status).toBe(404);
    expect(bench.engine.seen).toEqual([]);
  });

  it('is a viewer for looking, and for nothing else', async () => {
    const may = [
      '/_ping',
      '/v1.45/containers/json?all=1',
      '/containers/web/logs?follow=1',
      '/images/a/b:1/json',
    ];
    for (const rest of may)
      expect([rest, (await bench.call('GET', rest, bench.tokens.viewer)).status]).toEqual([rest, 200]);
    const mayNot: [string, string][] = [
      ['POST', '/containers/create'],
      ['DELETE', '/containers/web'],
      ['PUT', '/containers/web/archive'],
      ['GET', '/containers/web/archive?path=/etc/shadow'],
      ['GET', '/containers/web/export'],
      ['GET', '/containers/web/attach/ws'],
      ['GET', '/images/get?names=x'],
      ['POST', '/exec/1/start'],
      ['GET', '/unknown'],
    ];
    bench.engine.forget();
    for (const [method, rest] of mayNot) {
      const answer = await bench.call(method, rest, bench.tokens.viewer);
      expect([method, rest, answer.status, answer.body['code']]).toEqual([method, rest, 403, 'forbidden']);
    }
    expect(await bench.raw(upgradeOf(bench.path('/containers/json'), bench.tokens.viewer))).toMatch(/ 403 /);
    expect(bench.engine.seen).toEqual([]);
  });

  it('is nobody while the instance does not run', async () => {
    const instance = await bench.running('sleeper');
    const stop = await bench.api.call('POST', `/v1/instances/${instance}/actions/stop`);
    await bench.api.work(stop.body['operation'].id);
    const answer = await bench.api.call('GET', bench.path('/info', instance));
    expect(answer).toMatchObject({ status: 409, body: { code: 'wrong-state', state: 'stopped' } });
  }, 30_000);
});

describe('when something is away', () => {
  it('the engine: a 502 that docker prints', async () => {
    bench.engine.serve = (asked) => void asked.socket.destroy();
    const answer = await bench.call('GET', '/info');
    expect(answer).toMatchObject({
      status: 502,
      body: { code: 'engine-unreachable', message: expect.any(String) },
    });
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  it('the gateway: a 503 that says when to come back', async () => {
    const alone = await TestApi.start({
      BELLOWS_GATEWAY_URL: 'http://127.0.0.1:9',
      BELLOWS_GATEWAY_SECRET: 'nobody-listens-there',
    });
    try {
      await alone.call('POST', '/v1/hosts', {
        name: 'h',
        driver: 'sim',
        vcpus: 4,
        ramMib: 8192,
        diskGib: 100,
      });
      const made = await alone.call('POST', '/v1/instances?project=', {
        name: 'a',
        plan: 'ecs-1c1g',
        image: 'debian-12',
      });
      const { token } = await alone.project('p');
      const own = await alone.call(
        'POST',
        '/v1/instances',
        { name: 'a', plan: 'ecs-1c1g', image: 'debian-12' },
        { token: await token('owner') },
      );
      const { instance, operation } = (made.status === 202 ? made : own).body as Record<
        string,
        { id: string }
      >;
      await alone.work(operation!.id);
      const answer = await alone.call('GET', `/v1/instances/${instance!.id}/docker/info`);
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(answer.headers.get('retry-after')).toBe('2');
    } finally {
      await alone.close();
    }
  }, 60_000);
});

describe('open streams', () => {
  const follow = async (token: string, instance = bench.instance) => {
    const state = { text: '', closed: false };
    const asked = request(
      bench.api.url + bench.path('/containers/x/logs?follow=1', instance),
      { headers: { authorization: `Bearer ${token}` }, agent: false },
      (answer) =>
        answer.on('data', (chunk: Buffer) => (state.text += chunk.toString())).on('error', () => undefined),
    );
    asked.on('error', () => undefined).on('close', () => (state.closed = true));
    asked.end();
    await until(() => state.text.includes('tick') || state.closed);
    return { state, asked };
  };
  beforeEach(() => {
    bench.engine.serve = (asked, answer) => {
      answer.writeHead(200, { 'content-type': 'application/vnd.docker.raw-stream' }).write('tick\n');
      const timer = setInterval(() => answer.write('tick\n'), 500);
      asked.socket.on('close', () => clearInterval(timer));
    };
  });

  it('end when their token is revoked, calls and upgrades, within five seconds', async () => {
    bench.engine.upgrade = (_asked, socket) =>
      void socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\non');
    const issued = await bench.api.call('POST', '/v1/tokens', {
      projectId: bench.projectId,
      role: 'member',
      name: 't',
    });
    const { state } = await follow(issued.body['token']);
    const other = await follow(bench.tokens.member);
    const socket = await bench.dial();
    let [text, closed] = ['', false];
    socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('close', () => (closed = true));
    socket.write(upgradeOf(bench.path('/exec/1/start'), issued.body['token']));
    await until(() => text.endsWith('on'));
    await bench.api.call('DELETE', `/v1/tokens/${issued.body['id']}`);
    expect(await until(() => state.closed && closed, 5_000)).toBeLessThan(5_000);
    await until(() => bench.engine.sockets.size === 1);
    expect(other.state.closed).toBe(false);
    other.asked.destroy();
    await until(() => bench.engine.sockets.size === 0);
  }, 30_000);

  it('end when their token expires', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const body = { projectId: bench.projectId, role: 'member', name: 'brief', expiresAt };
    const { state } = await follow((await bench.api.call('POST', '/v1/tokens', body)).body['token']);
    expect(state.text).toContain('tick');
    await until(() => state.closed, 6_500);
    await until(() => bench.engine.sockets.size === 0);
  }, 30_000);

  it('end when their instance is stopped, and when it is deleted', async () => {
    const instance = await bench.running('brief');
    const first = await follow(bench.tokens.member, instance);
    const stop = await bench.api.call('POST', `/v1/instances/${instance}/actions/stop`);
    await until(() => first.state.closed);
    await bench.api.work(stop.body['operation'].id);
    const start = await bench.api.call('POST', `/v1/instances/${instance}/actions/start`);
    await bench.api.work(start.body['operation'].id);
    const second = await follow(bench.tokens.member, instance);
    await bench.api.call('DELETE', `/v1/instances/${instance}`);
    await until(() => second.state.closed);
    await until(() => bench.engine.sockets.size === 0);
  }, 60_000);

  it('two hundred at once, and nothing left of them', async () => {
    const before = process.memoryUsage().rss;
    const all = await Promise.all(Array.from({ length: 200 }, () => follow(bench.tokens.member)));
    expect(all.every(({ state }) => state.text.includes('tick'))).toBe(true);
    expect(bench.engine.sockets.size).toBe(200);
    const metrics = await bench.api.call('GET', '/metrics', undefined, { token: null });
    expect(metrics.text).toContain('bellows_docker_streams_open 200');
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    for (const { asked } of all) asked.destroy();
    await until(() => bench.engine.sockets.size === 0);
    await until(async () => (await bench.gateway.metrics.registry.metrics()).includes('exchanges_open 0'));
  }, 30_000);
});

describe('how many', () => {
  it('at once is limited for an instance, with a message, and falls back when one ends', async () => {
    const small = await DockerBench.start({ perInstance: 2, perPrincipal: 100 });
    try {
      const answers: (() => void)[] = [];
      small.engine.serve = (_asked, answer) => void answers.push(() => answer.end('{}'));
      const open = [small.call('GET', '/events'), small.call('GET', '/events')];
      await until(() => answers.length === 2);
      expect(await small.call('GET', '/info')).toMatchObject({
        status: 429,
        body: { code: 'rate-limited', message: 'At most 2 requests at once to one container engine.' },
      });
      for (const end of answers.splice(0)) end();
      await Promise.all(open);
      small.engine.serve = (_asked, answer) => void answer.end('{}');
      expect((await small.call('GET', '/info')).status).toBe(200);
    } finally {
      await small.close();
    }
  }, 60_000);
});
