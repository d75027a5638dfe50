import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HostId, InstanceId } from '@bellows/domain/ids';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { heldBytes } from '../../guest-stream-probe.fixture.js';
import { FakeGuest } from './fake-guest.fixture.js';
import { LibvirtGuestStreams } from './libvirt-guest-streams.js';
import { socketPair } from './socket-pair.fixture.js';

const host = { id: 'h-fake' as HostId, driver: 'libvirt', uri: 'fake:' } as const;
const id = 'i-00000000000000000001' as InstanceId;
const firstCredit = 131_072;
const mib = 2 ** 20;
const block = Buffer.alloc(32_768, 'b');

let guests: FakeGuest[] = [];
let accepted: Duplex[] = [];
let streams: LibvirtGuestStreams;
const guest = (): FakeGuest => guests.at(-1)!;

beforeEach(() => {
  guests = [];
  accepted = [];
  streams = new LibvirtGuestStreams({
    dial: async () => {
      const [near, far] = await socketPair();
      guests.push(new FakeGuest(far, (stream) => void accepted.push(stream.on('error', () => undefined))));
      return { transport: near, onGone: () => undefined, close: async () => void far.destroy() };
    },
  });
});
afterEach(() => streams.close());

/** A stream on which the guest sends without end. */
async function flooded(): Promise<Duplex> {
  const before = accepted.length;
  const stream = await streams.open(host, id, 'docker');
  stream.on('error', () => undefined);
  for (let tries = 0; accepted.length === before && tries < 400; tries++) await sleep(1);
  const far = accepted.at(-1)!;
  const flood = (): void => void (far.destroyed || far.write(block, flood));
  flood();
  return stream;
}

async function read(stream: Duplex, bytes: number): Promise<number> {
  let done = 0;
  while (done < bytes) {
    const chunk = stream.read() as Buffer | null;
    if (chunk) done += chunk.length;
    else await once(stream, 'readable');
  }
  return done;
}

describe('the window of a stream', () => {
  it('is widened to 1 MiB while its reader keeps up', async () => {
    const stream = await flooded();
    const done = await read(stream, 8 * mib);
    const window = firstCredit + guest().granted.get(1)! - done;
    expect(window).toBeLessThanOrEqual(mib);
    expect(guest().granted.get(1)).toBeGreaterThan(done - mib + 512 * 1024);
    stream.destroy();
  });

  it('stays what it was for one that nobody reads', async () => {
    const stream = await flooded();
    await sleep(100);
    expect(guest().granted.get(1)).toBeUndefined();
    stream.destroy();
  });

  it('is no leave to send more than was granted', async () => {
    const stream = await flooded();
    await read(stream, 4 * mib);
    const failed = once(stream, 'error');
    for (let sent = 0; sent < 2 * mib; sent += block.length) guest().send(3, 1, block);
    expect(((await failed) as [Error])[0].message).toMatch(/broke the protocol/);
  });

  it('is wider by 16 MiB in all for 500 streams of a guest, which have it back when they are over', async () => {
    const before = heldBytes();
    const all: Duplex[] = [];
    let done = 0;
    for (let i = 0; i < 500; i++) {
      const stream = await flooded();
      done += await read(stream, 8 * firstCredit * (i < 40 ? 1 : 1 / 8));
      all.push(stream);
    }
    await sleep(300);
    const granted = [...guest().granted.values()].reduce((sum, bytes) => sum + bytes, 0);
    // Beside it, for each stream, a block that Node holds and counts as read.
    const most = 500 * firstCredit + 16 * mib + 500 * block.length;
    expect(granted + 500 * firstCredit - done).toBeLessThanOrEqual(most);
    expect(granted).toBeGreaterThan(done + 8 * mib);
    expect(heldBytes() - before).toBeLessThan(most + 8 * mib);
    for (const stream of all) stream.destroy();
    const next = await flooded();
    const read8 = await read(next, 8 * mib);
    expect(guest().granted.get(1001)).toBeGreaterThan(read8 - mib + 512 * 1024);
    next.destroy();
  }, 60_000);
});
