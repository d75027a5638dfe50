import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HostId, InstanceId } from '@bellows/domain/ids';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DialChannel } from './channel.js';
import { FakeGuest } from './fake-guest.fixture.js';
import { LibvirtGuestStreams } from './libvirt-guest-streams.js';
import { socketPair } from './socket-pair.fixture.js';

const host = { id: 'h-fake' as HostId, driver: 'libvirt', uri: 'fake:' } as const;
const id = 'i-00000000000000000001' as InstanceId;
const [HELLO, OPEN, DATA, , EOF, RESET, PING, PONG] = [1, 2, 3, 4, 5, 6, 7, 8];

let guests: FakeGuest[] = [];
let accepted: Duplex[] = [];
let streams: LibvirtGuestStreams;
/** What a guest is like when the host connects to it. */
let prepare: (guest: FakeGuest) => void;

const guest = (): FakeGuest => guests.at(-1)!;
const dial: DialChannel = async () => {
  const [near, far] = await socketPair();
  const made = new FakeGuest(far, (stream) => void accepted.push(stream.on('error', () => undefined)));
  guests.push(made);
  prepare(made);
  return { transport: near, onGone: () => undefined, close: async () => void far.destroy() };
};
const open = (): Promise<Duplex> => streams.open(host, id, 'docker');
const failure = async (stream: Duplex): Promise<Error> => ((await once(stream, 'error')) as [Error])[0];
const eventually = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 400 && !holds(); tries++) await sleep(5);
  expect(holds()).toBe(true);
};

beforeEach(() => {
  guests = [];
  accepted = [];
  prepare = () => undefined;
  const quick = { helloMs: 500, helloAgainMs: 80, pingMs: 60, idleMs: 150 };
  streams = new LibvirtGuestStreams({ dial, ...quick });
});
afterEach(() => streams.close());

describe('a link', () => {
  it('is one for all streams of a guest, with ids that are odd and never used again', async () => {
    for (let i = 0; i < 3; i++) {
      const stream = await open();
      await eventually(() => accepted.length === i + 1);
      stream.destroy();
      await eventually(() => guest().streamCount === 0);
    }
    expect(guests).toHaveLength(1);
    expect([guest().counts.get(HELLO), guest().counts.get(OPEN)]).toEqual([1, 3]);
  });

  it('finds its answer behind what lay in the port, and asks again when it was lost', async () => {
    prepare = (made) => {
      made.answers = false;
      made.port.write(Buffer.concat([Buffer.alloc(5_000, 'BELLOWS-STREAMS1'), Buffer.of(1, 0, 0, 32)]));
      setTimeout(() => (made.answers = true), 100);
    };
    const stream = await open();
    await eventually(() => accepted.length === 1);
    expect(guest().counts.get(HELLO)).toBeGreaterThan(1);
    stream.destroy();
  });

  it('to a guest that says nothing fails in time, and the next open tries anew', async () => {
    prepare = (made) => void (made.answers = false);
    const from = Date.now();
    await expect(open()).rejects.toMatchObject({ name: 'GuestUnreachableError', reason: 'silent' });
    expect(Date.now() - from).toBeLessThan(2_000);
    prepare = () => undefined;
    (await open()).destroy();
    // Two channels before it was called silent, in case the first HELLO was taken for something else.
    expect(guests).toHaveLength(3);
  });

  it('is opened once more when the first HELLO was eaten', async () => {
    prepare = (made) => void (made.answers = guests.length > 1);
    (await open()).destroy();
    expect(guests).toHaveLength(2);
  });

  it('is dropped when the guest has gone silent, with its streams', async () => {
    const stream = await open();
    guest().answers = false;
    expect(await failure(stream)).toMatchObject({ reason: 'silent' });
    expect(guest().counts.get(PING)).toBeGreaterThanOrEqual(2);
  });

  it('stays while the guest answers', async () => {
    const stream = await open();
    await sleep(400);
    expect(stream.destroyed).toBe(false);
    expect(guest().counts.get(PING)).toBeGreaterThanOrEqual(3);
    stream.destroy();
  });

  it('without streams is closed after a while', async () => {
    (await open()).destroy();
    await eventually(() => guest().port.destroyed);
    (await open()).destroy();
    expect(guests).toHaveLength(2);
  });

  it('ends with its channel, and its streams know', async () => {
    const stream = await open();
    guest().port.destroy();
    expect(await failure(stream)).toBeInstanceOf(GuestUnreachableError);
  });

  it('carries 512 streams and no more', async () => {
    const all = await Promise.all(Array.from({ length: 512 }, open));
    await expect(open()).rejects.toMatchObject({ reason: 'too-many' });
    all[0]!.destroy();
    (await open()).destroy();
    for (const stream of all) stream.destroy();
  });
});

describe('a link that has been quiet', () => {
  beforeEach(() => {
    streams = new LibvirtGuestStreams({ dial, helloMs: 300, helloAgainMs: 80 });
  });

  it('is asked before it is used, and replaced when nothing answers any more', async () => {
    (await open()).destroy();
    guest().answers = false;
    await sleep(2_050);
    const stream = await open();
    expect(guests).toHaveLength(2);
    stream.destroy();
  });

  it('is used again when the guest answers', async () => {
    (await open()).destroy();
    await sleep(2_050);
    (await open()).destroy();
    expect(guests).toHaveLength(1);
    expect(guest().counts.get(PING)).toBe(1);
  });
});

describe('a stream', () => {
  it('that the guest cannot connect is refused', async () => {
    const stream = await streams.open(host, id, 'nothing' as 'docker');
    expect(await failure(stream)).toMatchObject({ name: 'GuestUnreachableError', reason: 'refused' });
  });

  it('that the guest resets later is cut', async () => {
    const stream = await open();
    await eventually(() => accepted.length === 1);
    accepted[0]!.write('some');
    await once(stream, 'data');
    accepted[0]!.destroy();
    expect(await failure(stream)).toMatchObject({ code: 'ECONNRESET' });
  });

  it('waits for credit, and goes on with it', async () => {
    const stream = await open();
    const written = new Promise((resolve) => stream.write(Buffer.alloc(200_000), resolve));
    await eventually(() => accepted.length === 1);
    // Nothing has been read of it in the guest: what was granted has been sent, the rest waits.
    await sleep(50);
    expect(stream.writableLength).toBe(200_000);
    accepted[0]!.resume();
    await written;
    stream.destroy();
  });
});

/** Frames that come for a stream that was open a moment ago. */
const late: [string, (made: FakeGuest) => void][] = [
  ['data', (made) => made.send(DATA!, 1, 'late')],
  ['credit', (made) => made.grant(1, 7)],
  ['an end', (made) => made.send(EOF!, 1)],
  ['a reset', (made) => made.send(RESET!, 1)],
];

describe('what comes late', () => {
  it.each(late)('is passed over: %s for a stream that was reset', async (_, send) => {
    const [first, other] = [await open(), await open()];
    await eventually(() => accepted.length === 2);
    first.destroy();
    await eventually(() => guest().streamCount === 1);
    send(guest());
    accepted[1]!.write('on');
    await once(other, 'data');
    other.destroy();
  });
});

const breaches: [string, (made: FakeGuest) => void][] = [
  ['garbage', (made) => made.port.write('GET / HTTP/1.1\r\n\r\n')],
  ['more data than was granted', (made) => [1, 2, 3].map(() => made.send(DATA!, 1, Buffer.alloc(60_000)))],
  ['data of no length', (made) => made.send(DATA!, 1)],
  ['data after the end', (made) => [made.send(EOF!, 1), made.send(DATA!, 1, 'x')]],
  ['a second end', (made) => [made.send(EOF!, 1), made.send(EOF!, 1)]],
  ['no credit', (made) => made.grant(1, 0)],
  ['credit without end', (made) => made.grant(1, 0xffff_ffff)],
  ['credit that adds up', (made) => Array.from({ length: 100 }, () => made.grant(1, 2_000))],
  ['data on a stream that never was', (made) => made.send(DATA!, 5, 'x')],
  ['a reset of a stream that never was', (made) => made.send(RESET!, 0xffff_ffff)],
  ['a stream of its own', (made) => made.send(OPEN!, 2, 'docker')],
  ['a stream of its own with our number', (made) => made.send(OPEN!, 1, 'docker')],
  ['a question', (made) => made.send(PING!, 0, Buffer.alloc(8))],
  ['an answer unasked', (made) => made.send(PONG!, 0, Buffer.alloc(8, 1))],
  ['a HELLO unasked', (made) => made.send(HELLO!, 0, Buffer.alloc(32, 'B'))],
  [
    'a flood on a stream that was reset',
    (made) => {
      accepted[0]!.destroy();
      for (let i = 0; i < 10; i++) made.send(DATA!, 1, Buffer.alloc(60_000));
    },
  ],
];

describe('a breach of the protocol', () => {
  it.each(breaches)('ends the link and its streams: %s', async (_, attack) => {
    const [first, stream] = [await open(), await open()];
    first.on('error', () => undefined);
    await eventually(() => accepted.length === 2);
    const failed = failure(stream);
    attack(guest());
    const { message } = await failed;
    expect(message).toMatch(/broke the protocol|closed/);
    // Another link is made, and works.
    (await open()).destroy();
    expect(guests).toHaveLength(2);
  });
});
