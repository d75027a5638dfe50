import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EngineJobId, InstanceId } from '@bellows/domain/ids';
import type { EngineJob } from '@bellows/operations/ports/engine-jobs';
import { testCloud } from './cloud.fixture.js';
import type { TestCloud } from './cloud.fixture.js';

describe('engine jobs', () => {
  let cloud: TestCloud;
  let [one, other] = ['' as InstanceId, '' as InstanceId];
  beforeEach(async () => {
    cloud = await testCloud();
    one = (await cloud.admitted()).instance.id;
    other = (await cloud.admitted()).instance.id;
  });
  afterEach(() => cloud.close());

  const job = (n: number, given: Partial<EngineJob> = {}): EngineJob => ({
    id: `job-${String(n).padStart(20, '0')}` as EngineJobId,
    instanceId: one,
    principal: 'tok-1',
    route: 'GET /info',
    verb: 'info',
    subjects: [{ kind: 'container', id: null, name: 'web' }],
    startedAt: 1_000 + n,
    durationMs: null,
    outcome: 'running',
    httpStatus: null,
    bytesIn: 0,
    bytesOut: 3e10,
    calls: 1,
    events: [],
    eventsDropped: 0,
    recorder: 'r-1',
    ...given,
  });
  const done = (n: number, given: Partial<EngineJob> = {}) =>
    job(n, { outcome: 'succeeded', durationMs: 5, httpStatus: 200, ...given });
  const record = (...jobs: EngineJob[]) => cloud.store.recordEngineJobs(jobs);
  const seen = async (after = 0, id = one) =>
    (await cloud.store.engineJobChanges(id, after, 100)).map((c) => [
      c.seq,
      c.job.id.slice(-2),
      c.job.outcome,
    ]);
  const list = async (more = {}) => {
    const page = await cloud.store.engineJobs({ instanceId: one, limit: 100, cursor: null, ...more });
    return page.items.map(({ id }) => Number(id.slice(-2)));
  };

  it('are kept as they were given, and written again as they change', async () => {
    await record(job(1), done(2));
    const [first] = await cloud.store.engineJobChanges(one, 0, 1);
    expect(first).toEqual({ seq: 1, job: job(1) });
    const died = { at: 5, guestAt: 4.5, type: 'container', action: 'die', id: 'c', name: 'web' };
    const event = { ...died, image: null, execId: null, exitCode: 3, signal: null };
    const ended = done(1, { events: [event], subjects: [], eventsDropped: 2, calls: 7 });
    await record(ended);
    expect((await cloud.store.engineJobChanges(one, 2, 10)).map((change) => change.job)).toEqual([ended]);
    expect(await list()).toEqual([2, 1]);
  });

  it('are numbered by their changes, consecutively, for each instance by itself', async () => {
    await record(job(1), job(2), job(3, { instanceId: other }));
    await record(done(1));
    expect(await seen()).toEqual([
      [2, '02', 'running'],
      [3, '01', 'succeeded'],
    ]);
    expect(await seen(0, other)).toEqual([[1, '03', 'running']]);
    expect(await cloud.store.engineJobMarks([one, other])).toEqual(
      new Map([
        [one, { lastSeq: 3, trimmedSeq: 0 }],
        [other, { lastSeq: 1, trimmedSeq: 0 }],
      ]),
    );
    expect(await cloud.store.engineJobsBehind(one, 1)).toBe(2);
    expect(await cloud.store.engineJobsBehind(one, 2)).toBe(0);
  });

  it('of an instance that does not exist are left out, and hold nothing else up', async () => {
    await record(job(1, { instanceId: 'i-00000000000000000000' as InstanceId }), job(2));
    expect(await list()).toEqual([2]);
  });

  it('become visible in the order of their numbers, however many write at once', async () => {
    const seqs: number[] = [];
    let writing = true;
    const reader = (async () => {
      for (let last = 0; ;) {
        const over = !writing;
        const found = await cloud.store.engineJobChanges(one, last, 1_000);
        for (const { seq } of found) seqs.push(seq);
        last = seqs.at(-1) ?? 0;
        if (over && found.length === 0) return;
      }
    })();
    await Promise.all(
      Array.from({ length: 4 }, async (_, writer) => {
        for (let n = 0; n < 20; n++) {
          const at = writer * 1_000 + n * 10;
          await record(job(at), job(at + 1, { instanceId: other }), job(at + 2));
        }
      }),
    );
    writing = false;
    await reader;
    expect(seqs).toEqual(Array.from({ length: 160 }, (_, n) => n + 1));
  });

  it('are listed newest first, by pages, by verb, by outcome', async () => {
    await record(...Array.from({ length: 5 }, (_, n) => done(n)), job(5, { verb: 'container ls' }));
    const first = await cloud.store.engineJobs({ instanceId: one, limit: 4, cursor: null });
    expect(first.items).toHaveLength(4);
    expect(await list({ cursor: first.nextCursor })).toEqual([1, 0]);
    expect(await list({ verb: 'container ls' })).toEqual([5]);
    expect(await list({ outcome: 'running' })).toEqual([5]);
  });

  it('that run end with the process that records them, and not before', async () => {
    await cloud.store.beatRecorder('r-1');
    await record(job(1), job(2, { recorder: 'r-gone' }));
    expect(await cloud.store.cutOrphanedJobs(30_000, 10)).toBe(1);
    expect(await seen(2)).toEqual([[3, '02', 'cut']]);
    expect(await cloud.store.cutOrphanedJobs(30_000, 10)).toBe(0);
    await cloud.sql('UPDATE engine_recorder SET seen_at = seen_at - 60000');
    await cloud.store.beatRecorder('r-2');
    expect(await cloud.store.cutOrphanedJobs(30_000, 10)).toBe(1);
    const [last] = await cloud.store.engineJobChanges(one, 3, 10);
    expect(last!.job).toMatchObject({ id: job(1).id, outcome: 'cut' });
    expect(last!.job.durationMs).toBeGreaterThan(0);
    await cloud.store.cutOrphanedJobs(30_000, 10);
    expect(await cloud.sql('SELECT id FROM engine_recorder')).toEqual([{ id: 'r-2' }]);
  });

  it('are bounded by number and by age; what runs stays, and what went is remembered as gone', async () => {
    await record(job(1), ...Array.from({ length: 6 }, (_, n) => done(n + 2)));
    await cloud.store.trimEngineJobs([one], { jobs: 4, startedAfter: 0 });
    expect(await list()).toEqual([7, 6, 5, 4, 1]);
    expect((await cloud.store.engineJobMarks([one])).get(one)).toEqual({ lastSeq: 7, trimmedSeq: 3 });
    await cloud.store.trimEngineJobs([one], { jobs: 4, startedAfter: 1_005 });
    expect(await list()).toEqual([7, 6, 1]);
    await cloud.store.pruneEngineJobs(1_007, 10);
    expect(await list()).toEqual([7, 1]);
    expect((await cloud.store.engineJobMarks([one])).get(one)).toEqual({ lastSeq: 7, trimmedSeq: 6 });
  });
});
