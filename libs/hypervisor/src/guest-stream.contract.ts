import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { InstanceId } from '@bellows/domain/ids';
import { GuestUnreachableError, type GuestStreams } from '@bellows/operations/ports/guest-stream';
import type { HostRef } from '@bellows/operations/ports/host-driver';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { heldBytes, pattern, PatternCheck } from './guest-stream-probe.fixture.js';

/** What an implementation brings to the contract. */
export interface GuestStreamsFixture {
  readonly streams: GuestStreams;
  /** Another one to the same guests, to be closed by a test; it may take the line to a guest from the first. */
  another(): GuestStreams;
  readonly host: HostRef;
  /** A guest that runs, with a `GuestProbe` behind its target. */
  readonly running: InstanceId;
  /** One that is stopped, and one that never was. */
  readonly stopped: InstanceId;
  readonly absent: InstanceId;
  /** Stops the running guest, or pulls its plug: the last thing that is done with it. */
  stopGuest(): Promise<void>;
  close(): Promise<void>;
}

export interface GuestStreamsLimits {
  /** How long one test may take, and how long making and ending the fixture may. */
  readonly testMs: number;
  readonly fixtureMs: number;
}

const bulkBytes = 30_000_000;
/** What 30 MB in flight may add to this process, at most: what is granted to one stream, Node's own, and noise. */
const mostHeldBytes = 8_000_000;

/** What every way into a guest must do. */
export function describeGuestStreams(
  name: string,
  makeFixture: () => Promise<GuestStreamsFixture>,
  { testMs, fixtureMs }: GuestStreamsLimits,
): void {
  describe(name, () => {
    let fixture: GuestStreamsFixture;
    const probe: Probe = (line) => probeOver(fixture.streams, fixture, line);
    const test = (what: string, run: () => Promise<void>): void => it(what, run, testMs);
    const the = (): GuestStreamsFixture => fixture;

    beforeAll(async () => void (fixture = await makeFixture()), fixtureMs);
    afterAll(() => fixture?.close(), fixtureMs);

    describe('a stream', () => oneStream(test, probe));
    describe('a long transfer', () => bulk(test, probe));
    describe('many streams', () => many(test, probe));
    describe('what cannot be opened', () => refusals(test, the));
    describe('the end', () => ends(test, the, probe));
  });
}

type Test = (what: string, run: () => Promise<void>) => void;
type Probe = (line: string) => Promise<Duplex>;

async function probeOver(
  streams: GuestStreams,
  { host, running }: GuestStreamsFixture,
  line: string,
): Promise<Duplex> {
  const stream = await streams.open(host, running, 'docker');
  stream.write(`${line}\n`);
  return stream;
}

const text = async (stream: Duplex): Promise<string> => {
  let all = '';
  for await (const chunk of stream) all += (chunk as Buffer).toString('latin1');
  return all;
};

async function until(probe: Probe, key: string, wanted: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const asked = await probe(`ask ${key}`);
    const said = (await text(asked)).trim();
    asked.destroy();
    if (said === wanted) return;
    if (tries === 200) expect(said).toBe(wanted);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function oneStream(test: Test, probe: Probe): void {
  test('carries bytes both ways as they come', async () => {
    const stream = await probe('echo');
    const heard: Buffer[] = [];
    for (const word of ['hello', ' ', 'guest']) {
      stream.write(word);
      heard.push(((await once(stream, 'data')) as [Buffer])[0]);
    }
    stream.end();
    await once(stream, 'end');
    expect(Buffer.concat(heard).toString()).toBe('hello guest');
  });

  test('whose near end has ended is answered all the same', async () => {
    const stream = await probe('count');
    stream.end(pattern(0, 1_000));
    expect(await text(stream)).toBe('1000 intact\n');
  });

  test('whose far end has ended is heard all the same', async () => {
    const stream = await probe('listen half');
    stream.resume();
    await once(stream, 'end');
    expect(stream.writable).toBe(true);
    stream.write('still');
    stream.end(' here');
    await once(stream, 'close');
    await until(probe, 'half', '10 ended');
  });

  test('that is destroyed is closed at the far end', async () => {
    const stream = await probe('hold destroyed');
    await until(probe, 'destroyed', 'open');
    stream.destroy();
    await until(probe, 'destroyed', 'closed');
  });

  test('that nobody could have heard of yet may be destroyed', async () => {
    (await probe('echo')).destroy();
    const next = await probe('echo');
    next.end('x');
    expect(await text(next)).toBe('x');
  });
}

function bulk(test: Test, probe: Probe): void {
  test('in, to a reader that is late and slow, is whole and never held here', async () => {
    const stream = await probe(`give ${bulkBytes}`);
    const heldBefore = heldBytes();
    await new Promise((resolve) => setTimeout(resolve, 500));
    let heldMost = heldBytes();
    const check = new PatternCheck();
    let nextRest = bulkBytes / 10;
    for await (const chunk of stream) {
      check.add(chunk as Buffer);
      if (check.bytes < nextRest) continue;
      nextRest += bulkBytes / 10;
      await new Promise((resolve) => setTimeout(resolve, 50));
      heldMost = Math.max(heldMost, heldBytes());
    }
    expect({ bytes: check.bytes, intact: check.intact }).toEqual({ bytes: bulkBytes, intact: true });
    expect(heldMost - heldBefore).toBeLessThan(mostHeldBytes);
    stream.destroy();
  });

  test('out is whole, waits for the guest, and is never held here', async () => {
    const stream = await probe('count');
    const heldBefore = heldBytes();
    let heldMost = heldBefore;
    let waits = 0;
    for (let at = 0; at < bulkBytes;) {
      const chunk = pattern(at, bulkBytes - at);
      at += chunk.length;
      if (stream.write(chunk)) continue;
      waits += 1;
      if (waits % 50 === 1) heldMost = Math.max(heldMost, heldBytes());
      await once(stream, 'drain');
    }
    stream.end();
    expect(await text(stream)).toBe(`${bulkBytes} intact\n`);
    expect(heldMost - heldBefore).toBeLessThan(mostHeldBytes);
    expect(waits).toBeGreaterThan(0);
  });

  test('that nobody reads holds up no other stream', async () => {
    const unread = await probe(`give ${bulkBytes}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const other = await probe('echo');
    other.end('past it');
    expect(await text(other)).toBe('past it');
    unread.destroy();
  });

  test('out leaves room for others', async () => {
    const upload = await probe('count');
    for (let at = 0; at < bulkBytes; at += 65_536)
      upload.write(pattern(at, Math.min(65_536, bulkBytes - at)));
    const other = await probe('echo');
    other.end('beside it');
    expect(await text(other)).toBe('beside it');
    expect(upload.writableLength).toBeGreaterThan(0);
    upload.end();
    expect(await text(upload)).toBe(`${bulkBytes} intact\n`);
  });
}

function many(test: Test, probe: Probe): void {
  test('do not mix: fifty at once', async () => {
    const exchange = async (number: number): Promise<boolean> => {
      const stream = await probe('echo');
      const sent = Buffer.alloc(40_000, `stream ${number};`);
      stream.end(sent);
      const heard: Buffer[] = [];
      for await (const chunk of stream) heard.push(chunk as Buffer);
      return Buffer.concat(heard).equals(sent);
    };
    const intact = await Promise.all(Array.from({ length: 50 }, (_, number) => exchange(number)));
    expect(intact.filter((each) => each)).toHaveLength(50);
  });

  test('one after the other leave nothing behind', async () => {
    for (let i = 0; i < 100; i++) {
      const stream = await probe('echo');
      stream.end('again');
      expect(await text(stream)).toBe('again');
    }
  });
}

function refusals(test: Test, the: () => GuestStreamsFixture): void {
  test('is a guest that does not run', async () => {
    const { streams, host, stopped, absent } = the();
    for (const id of [stopped, absent]) {
      const refused = await streams.open(host, id, 'docker').catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(GuestUnreachableError);
      expect(refused).toMatchObject({ reason: 'not-running' });
    }
  });

  test('is what its caller has given up', async () => {
    const { streams, host, running } = the();
    const given = new AbortController();
    const opening = streams.open(host, running, 'docker', given.signal);
    given.abort(new Error('no longer wanted'));
    // It may have been open already.
    const outcome = await opening.catch((error: unknown) => error);
    if (!(outcome instanceof Error)) (outcome as Duplex).destroy();
    const late = streams.open(host, running, 'docker', AbortSignal.abort(new Error('never wanted')));
    await expect(late).rejects.toThrow('never wanted');
  });
}

function ends(test: Test, the: () => GuestStreamsFixture, probe: Probe): void {
  test('of who serves streams is the end of its streams, and the next one\u2019s are served', async () => {
    const { another, host, running } = the();
    const streams = another();
    const stream = await probeOver(streams, the(), 'hold closing');
    const failed = once(stream, 'error');
    stream.resume();
    // By the same: a guest may have one line, which is taken from who had it before.
    await until((line) => probeOver(streams, the(), line), 'closing', 'open');
    await streams.close();
    expect((await failed)[0]).toBeInstanceOf(Error);
    expect(stream.destroyed).toBe(true);
    await expect(streams.open(host, running, 'docker')).rejects.toThrow(/closed/);
    await until(probe, 'closing', 'closed');
  });

  test('of a guest is the end of its streams', async () => {
    const stream = await probe('hold last');
    await until(probe, 'last', 'open');
    const failed = once(stream, 'error');
    stream.resume();
    await the().stopGuest();
    expect((await failed)[0]).toBeInstanceOf(Error);
    const { streams, host, running } = the();
    await expect(streams.open(host, running, 'docker')).rejects.toMatchObject({ reason: 'not-running' });
  });
}
