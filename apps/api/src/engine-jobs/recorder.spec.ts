import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { idSource, type InstanceId } from '@bellows/domain/ids';
import { reduceEvent } from '@bellows/engine/jobs/reduce';
import type { EngineEvent, EngineJob } from '@bellows/operations/ports/engine-jobs';
import { StoreUnavailableError } from '@bellows/operations/ports/store-errors';
import { EngineWatchers, type ReadEvents } from './engine-watchers.js';
import { JobWriter } from './job-writer.js';
import { EngineJobs } from './recorder.js';

const one = 'i-00000000000000000000' as InstanceId;
const host = { id: 'h-1', driver: 'sim', uri: 'sim:a' } as never;

/** A recorder whose store is a list that may be away, with a clock that is set by hand. */
function surroundings(read: ReadEvents | null = null) {
  const batches: EngineJob[][] = [];
  const state = { now: 1_000_000, away: null as Error | null, beats: 0, troubles: 0 };
  const store = {
    recordEngineJobs: (jobs: readonly EngineJob[]) => {
      if (state.away) return Promise.reject(state.away);
      batches.push(structuredClone([...jobs]));
      return Promise.resolve();
    },
    beatRecorder: () => Promise.resolve(void (state.beats += 1)),
  };
  const now = () => state.now;
  const feed = { written: () => undefined };
  const writer = new JobWriter({ store, recorder: 'rec-1', now }, feed, () => void (state.troubles += 1));
  const watchers = new EngineWatchers(() => Promise.resolve(host), read, now);
  const jobs = new EngineJobs(writer, watchers, idSource(randomBytes), 'rec-1', now);
  const begin = (call: string, actor = 'tok-1') => {
    const [method, path] = call.split(' ') as [string, string];
    const request = { method, path, headers: [], upgrade: null, bodyBytes: 0 } as const;
    return jobs.begin({ principal: { actor }, instanceId: one, request });
  };
  const call = (text: string, status = 200, actor = 'tok-1') => {
    const job = begin(text, actor);
    job.answered(status, []);
    job.ended({ how: 'done', status }, [], null);
  };
  return { state, batches, writer, watchers, jobs, begin, call };
}

describe('what is written of calls', () => {
  it('is one record for a short one, and two for one that takes longer than a batch', async () => {
    const { state, batches, writer, begin, call } = surroundings();
    call('POST /containers/a/start', 204);
    const long = begin('POST /containers/b/wait');
    await writer.flush();
    expect(batches.map((batch) => batch.map(({ verb, outcome }) => [verb, outcome]))).toEqual([
      [['container start', 'succeeded']],
    ]);
    expect(state.beats).toBe(0);
    state.now += 1_000;
    await writer.flush();
    expect(batches[1]).toMatchObject([{ verb: 'container wait', outcome: 'running', durationMs: null }]);
    // The store hears of the process before it hears of what runs in it.
    expect(state.beats).toBe(1);
    state.now += 500;
    long.ended({ how: 'gone', status: 200 }, [], null);
    await writer.flush();
    expect(batches[2]).toMatchObject([{ id: batches[1]![0]!.id, outcome: 'cut', durationMs: 1_500 }]);
  });

  it('folds reads alike and nothing else', async () => {
    const { state, batches, writer, call } = surroundings();
    for (let n = 0; n < 5; n++) call('GET /containers/json');
    call('GET /containers/json', 200, 'tok-2');
    call('GET /containers/a/json');
    for (let n = 0; n < 2; n++) call('GET /containers/a/json', 404);
    for (let n = 0; n < 2; n++) call('POST /containers/a/start');
    await writer.flush();
    expect(batches[0]!.map(({ calls }) => calls)).toEqual([5, 1, 1, 1, 1, 1, 1]);
    call('GET /containers/json');
    state.now += 10_001;
    call('GET /containers/json');
    await writer.flush();
    expect(batches[1]!.map(({ id, calls }) => [id === batches[0]![0]!.id, calls])).toEqual([
      [true, 6],
      [false, 1],
    ]);
  });

  it('is bounded, and what is left out is counted', async () => {
    const { state, batches, writer, call } = surroundings();
    for (let n = 0; n < 500; n++) call(`POST /containers/c${n}/start`);
    await writer.flush();
    expect(batches[0]).toHaveLength(200);
    expect(writer.skipped).toBe(300);
    state.now += 1_000;
    for (let n = 0; n < 500; n++) call(`POST /containers/c${n}/start`);
    await writer.flush();
    expect(batches[1]).toHaveLength(20);
  });

  it('waits for a database that is away, and holds nobody up', async () => {
    const { state, batches, writer, call } = surroundings();
    state.away = new StoreUnavailableError('away');
    for (let n = 0; n < 3; n++) {
      call(`POST /containers/c${n}/start`);
      await writer.flush();
    }
    expect(state.troubles).toBe(3);
    state.away = null;
    await writer.flush();
    expect(batches.flat().map(({ subjects }) => subjects[0]!.name)).toEqual(['c0', 'c1', 'c2']);
    expect(writer.skipped).toBe(0);
    // What is refused, and not only late, holds nothing else up.
    state.away = new Error('no such column');
    call('POST /containers/odd/start');
    await writer.flush();
    state.away = null;
    call('POST /containers/even/start');
    await writer.flush();
    expect(batches.at(-1)!.map(({ subjects }) => subjects[0]!.name)).toEqual(['even']);
    expect(writer.skipped).toBe(1);
  });
});

describe("an engine's events", () => {
  const event = (action: string, name: string, at = 1): EngineEvent =>
    reduceEvent(
      { Type: 'container', Action: action, Actor: { ID: name, Attributes: { name } }, timeNano: at },
      at,
    )!;

  it('are read while calls are under way that they can be of: once an instance, and once each', async () => {
    const readings: { tell: (event: EngineEvent) => void; since: number; signal: AbortSignal }[] = [];
    const read: ReadEvents = (_host, _id, since, tell, signal) =>
      new Promise((resolve) => {
        readings.push({ tell, since, signal });
        signal.addEventListener('abort', () => resolve());
      });
    const { batches, writer, watchers, begin, call, state } = surroundings(read);
    call('GET /containers/json');
    expect(watchers.size).toBe(0);
    const first = begin('POST /containers/a/wait');
    begin('POST /containers/b/wait');
    await sleep(5);
    expect(readings).toHaveLength(1);
    expect(readings[0]!.since).toBe(state.now - 1_000);
    for (const name of ['a', 'a', 'other']) readings[0]!.tell(event('die', name));
    for (let n = 0; n < 40; n++) readings[0]!.tell(event('oom', 'b', n));
    first.ended({ how: 'done', status: 200 }, [], null);
    state.now += 1_000;
    await writer.flush();
    const [a, b] = ['a', 'b'].map((name) =>
      batches.flat().find(({ subjects }) => subjects[0]?.name === name)!,
    );
    expect(a!.events).toHaveLength(1);
    expect([b!.events.length, b!.eventsDropped]).toEqual([24, 16]);
    watchers.stop();
    expect(readings[0]!.signal.aborted).toBe(true);
  });
});
