import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { InstanceId } from '@bellows/domain/ids';
import { DockerBench, until } from '../docker/docker-bench.fixture.js';
import { anotherApi, EventLine, jobsPath, listed } from './engine-jobs-bench.fixture.js';
import { EngineJobKeeper } from './keeper.js';

let bench: DockerBench;
/** Open answers of the engine's `GET /events`. */
const watched = new Set<ServerResponse>();
const lines: EventLine[] = [];
beforeAll(
  async () => void (bench = await DockerBench.start(undefined, { BELLOWS_ENGINE_EVENTS: 'on' })),
  60_000,
);
afterAll(() => bench.close(), 30_000);
beforeEach(async () => {
  bench.engine.forget();
  await bench.api.cloud.store.trimEngineJobs([bench.instance as InstanceId], { jobs: 0, startedAfter: 0 });
  bench.engine.serve = (asked, answer) => {
    if (asked.url!.startsWith('/events')) {
      watched.add(answer.writeHead(200, { 'content-type': 'application/json' }));
      answer.flushHeaders();
      answer.on('close', () => watched.delete(answer));
    } else if (asked.url!.includes('/gone/')) answer.writeHead(404).end('{"message":"no such container"}');
    else
      asked
        .resume()
        .on('end', () => answer.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1}'));
  };
});
afterEach(() => {
  for (const line of lines.splice(0)) line.leave();
});

const follow = async (token = bench.tokens.viewer, lastEventId?: string, url = bench.api.url, query = '') => {
  const line = await EventLine.open(`${url}${jobsPath(bench)}${query}`, token, lastEventId);
  lines.push(line);
  return line;
};
const settled = async (query = '') => {
  let jobs: any[] = [];
  await until(async () => {
    jobs = await listed(bench, query);
    return jobs.length > 0 && jobs.every(({ outcome }) => outcome !== 'running');
  });
  return jobs;
};
const say = (Action: string, ID: string, Attributes: Record<string, string>) => {
  const event = { Type: 'container', Action, Actor: { ID, Attributes }, timeNano: Date.now() * 1e6 };
  for (const answer of watched) answer.write(`${JSON.stringify(event)}\n`);
};
const hex = 'c0ffee'.repeat(10) + 'abcd';

describe("the engine's jobs", () => {
  it('are what each call became, to whoever may look at the instance', async () => {
    await fetch(bench.api.url + bench.path('/v1.45/containers/web/update'), {
      method: 'POST',
      headers: { authorization: `Bearer ${bench.tokens.member}`, 'content-type': 'application/json' },
      body: '{"Memory":1}',
    });
    await bench.call('POST', '/v1.45/containers/gone/start');
    await bench.call('HEAD', '/_ping');
    const [failed, done, ...more] = await settled();
    expect(more).toEqual([]);
    expect(done).toMatchObject({
      id: expect.stringMatching(/^job-/),
      instanceId: bench.instance,
      principal: expect.stringMatching(/^tok-/),
      route: 'POST /containers/{id}/update',
      verb: 'container update',
      container: { id: null, name: 'web' },
      image: null,
      outcome: 'succeeded',
      httpStatus: 200,
      bytesIn: 12,
      calls: 1,
      events: [],
    });
    expect(done.bytesOut).toBeGreaterThanOrEqual(7);
    expect(done.bytesOut).toBeLessThan(30);
    expect(done.durationMs).toBeLessThan(5_000);
    expect(Date.parse(done.startedAt)).toBeGreaterThan(Date.now() - 60_000);
    expect(failed).toMatchObject({ verb: 'container start', outcome: 'failed', httpStatus: 404 });
    expect(await settled('?verb=container%20start')).toHaveLength(1);
    expect(await settled('?outcome=succeeded')).toHaveLength(1);
    const { token } = { token: bench.tokens.stranger };
    expect((await bench.api.call('GET', jobsPath(bench), undefined, { token })).status).toBe(404);
    expect((await follow(token)).status).toBe(404);
    expect((await bench.api.call('GET', `${jobsPath(bench)}?outcome=odd`)).status).toBe(400);
  });

  it('come with what the engine said of them, in clean text', async () => {
    const answers: (() => void)[] = [];
    const usual = bench.engine.serve;
    bench.engine.serve = (asked, answer) =>
      asked.url!.includes('/wait')
        ? void answers.push(() => answer.end('{"StatusCode":3}'))
        : usual(asked, answer);
    const waits = bench.call('POST', `/containers/${hex}/wait`);
    await until(() => watched.size === 1 && answers.length === 1);
    say('die', hex, {
      name: 'w\u001b[31meb\u202e',
      image: 'busybox:1.35',
      exitCode: '3',
      password: 'secret',
    });
    say('die', 'another', { name: 'other', exitCode: '4' });
    // Said again, as an engine does to whoever asks for what has been.
    await new Promise((resolve) => setTimeout(resolve, 50));
    answers[0]!();
    await waits;
    await until(async () => (await settled())[0].events.length > 0);
    const [job] = await settled();
    expect(job).toMatchObject({
      verb: 'container wait',
      container: { id: hex, name: 'w[31meb' },
      image: { id: null, name: 'busybox:1.35' },
      events: [{ type: 'container', action: 'die', name: 'w[31meb', exitCode: 3 }],
    });
    expect(job.events).toHaveLength(1);
    expect(JSON.stringify(job)).not.toContain('secret');
  });

  it('read one engine once, however many calls there are', async () => {
    await until(() => watched.size <= 1);
    bench.engine.forget();
    await Promise.all(Array.from({ length: 30 }, (_, n) => bench.call('POST', `/containers/c${n}/start`)));
    await until(() => watched.size === 1);
    expect(bench.engine.seen.filter(({ url }) => url.startsWith('/events')).length).toBeLessThanOrEqual(1);
    await until(async () => (await listed(bench)).length === 30);
  });

  it('that are reads alike, one soon after the other, are one', async () => {
    for (let n = 0; n < 20; n++) await bench.call('GET', '/containers/json');
    await bench.call('GET', '/containers/json?all=1', bench.tokens.owner);
    await until(async () => (await settled()).reduce((sum, { calls }) => sum + calls, 0) === 21);
    const jobs = await settled();
    expect(jobs.map(({ calls, principal }) => [calls, principal !== ''])).toEqual([
      [1, true],
      [20, true],
    ]);
  });

  it('run as long as their stream does, and are cut with it', async () => {
    const usual = bench.engine.serve;
    bench.engine.serve = (asked, answer) =>
      asked.url!.includes('/logs') ? void answer.writeHead(200).write('tick') : usual(asked, answer);
    const gone = new AbortController();
    const headers = { authorization: `Bearer ${bench.tokens.member}` };
    const url = bench.api.url + bench.path('/containers/web/logs?follow=1');
    const answer = await fetch(url, { headers, signal: gone.signal });
    expect(answer.status).toBe(200);
    await until(async () => (await listed(bench, '?outcome=running')).length === 1);
    gone.abort();
    const [job] = await settled();
    expect(job).toMatchObject({ verb: 'container logs', outcome: 'cut', httpStatus: 200 });
    expect(job.bytesOut).toBeGreaterThanOrEqual(4);
  });

  it('say so when the engine could not be reached', async () => {
    const open = bench.engine.open.bind(bench.engine);
    bench.engine.open = () => Promise.reject(new Error('away'));
    try {
      expect((await bench.call('POST', '/containers/web/stop')).status).toBe(503);
      expect(await settled()).toMatchObject([{ verb: 'container stop', outcome: 'failed', httpStatus: 503 }]);
    } finally {
      bench.engine.open = open;
    }
  });
});

describe("following the engine's jobs", () => {
  it('tells those that were, then what changes, and goes on after a cut without gap or repetition', async () => {
    for (let n = 0; n < 3; n++) await bench.call('POST', `/containers/before${n}/start`);
    await settled();
    const first = await follow();
    await until(() => first.jobs.length === 3);
    expect(first.jobs.map(({ container }) => container.name)).toEqual(['before0', 'before1', 'before2']);
    await bench.call('POST', '/containers/live/start');
    await until(() => first.jobs.length === 4);
    first.leave();
    for (let n = 0; n < 120; n++) await bench.call('POST', `/containers/away${n}/start`);
    const second = await follow(bench.tokens.viewer, first.lastId);
    await until(() => second.jobs.length === 120, 10_000);
    await bench.call('POST', '/containers/after/start');
    await until(() => second.jobs.length === 121);
    const ids = [...first.told, ...second.told].map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    expect(second.jobs.map(({ container }) => container.name)).toEqual([
      ...Array.from({ length: 120 }, (_, n) => `away${n}`),
      'after',
    ]);
    expect([...first.told, ...second.told].some(({ event }) => event === 'resync')).toBe(false);
  });

  it('says where something is missing', async () => {
    await bench.call('POST', '/containers/one/start');
    await settled();
    const { lastId, jobs, leave } = await (async () => {
      const line = await follow();
      await until(() => line.jobs.length === 1);
      return line;
    })();
    expect(jobs).toHaveLength(1);
    leave();
    for (const name of ['two', 'three']) await bench.call('POST', `/containers/${name}/start`);
    await settled();
    await until(async () => (await listed(bench)).length === 3);
    await bench.api.cloud.store.trimEngineJobs([bench.instance as InstanceId], { jobs: 1, startedAfter: 0 });
    const resumed = await follow(bench.tokens.viewer, lastId);
    await until(() => resumed.told.length === 2);
    expect(resumed.told.map(({ event }) => event)).toEqual(['resync', 'engine-job']);
    expect(resumed.jobs[0].container.name).toBe('three');
    for (const odd of ['999999999', 'x', '-1']) {
      const line = await follow(bench.tokens.viewer, odd);
      await until(() => line.told.length === 2);
      expect(line.told[0]!.event).toBe('resync');
    }
  });

  it('may be narrowed, and takes as many at first as it is asked to', async () => {
    for (const name of ['one', 'two', 'gone']) await bench.call('POST', `/containers/${name}/start`);
    await settled();
    await until(async () => (await listed(bench)).length === 3);
    const line = await follow(bench.tokens.viewer, undefined, bench.api.url, '?outcome=failed&limit=2');
    await until(() => line.jobs.length === 1);
    const both = await follow(bench.tokens.viewer, undefined, bench.api.url, '?limit=2');
    await until(() => both.jobs.length === 2);
    expect(both.jobs.map(({ container }) => container.name)).toEqual(['two', 'gone']);
    expect(line.jobs[0]).toMatchObject({ outcome: 'failed', container: { name: 'gone' } });
  });

  it('ends with the token', async () => {
    const issued = await bench.api.call('POST', '/v1/tokens', {
      projectId: bench.projectId,
      role: 'viewer',
      name: 'short',
    });
    const line = await follow(String(issued.body['token']));
    expect(line.status).toBe(200);
    await bench.api.call('DELETE', `/v1/tokens/${issued.body['id']}`);
    await until(() => line.closed);
  });

  it('is limited for a token', async () => {
    const open = await Promise.all(Array.from({ length: 33 }, () => follow(bench.tokens.owner)));
    expect(open.filter(({ status }) => status === 200)).toHaveLength(32);
    expect(open.filter(({ status }) => status === 429)).toHaveLength(1);
  });
});

describe('two API processes', () => {
  it('tell the jobs of each other, and end those of one that died', async () => {
    const other = await anotherApi(bench);
    try {
      const line = await follow(bench.tokens.viewer, undefined, other.url);
      const wait = new AbortController();
      const usual = bench.engine.serve;
      bench.engine.serve = (asked, answer) =>
        asked.url!.includes('/logs') ? undefined : usual(asked, answer);
      await bench.call('POST', '/containers/here/start');
      const headers = { authorization: `Bearer ${bench.tokens.member}` };
      await fetch(other.url + bench.path('/containers/there/start'), { method: 'POST', headers });
      const hangs = fetch(bench.api.url + bench.path('/containers/web/logs'), {
        headers,
        signal: wait.signal,
      });
      hangs.catch(() => undefined);
      await until(() => line.jobs.length === 3);
      await until(() => line.jobs.filter(({ outcome }) => outcome === 'running').length === 1);
      expect((await listed(bench)).length).toBe(3);
      // As if the first had not been heard of for a minute.
      const { store } = bench.api.cloud;
      await other.app.get(EngineJobKeeper).keep();
      const logs = () => line.jobs.find(({ verb }) => verb === 'container logs').outcome;
      expect(logs()).toBe('running');
      await store.cutOrphanedJobs(-60_000, 10);
      await until(() => logs() === 'cut');
      wait.abort();
    } finally {
      await other.app.close();
    }
  }, 60_000);

  it('write what runs as cut when they end', async () => {
    const other = await anotherApi(bench);
    bench.engine.serve = () => undefined;
    const headers = { authorization: `Bearer ${bench.tokens.member}` };
    const hangs = fetch(other.url + bench.path('/containers/last/logs'), { headers }).catch(() => null);
    const last = async () => (await listed(bench)).filter(({ container }) => container?.name === 'last');
    await until(async () => (await last()).length === 1);
    expect(await last()).toMatchObject([{ outcome: 'running' }]);
    await other.app.close();
    await hangs;
    expect(await last()).toMatchObject([{ outcome: 'cut' }]);
  }, 60_000);
});
