import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Connection } from '@bellows/node-libvirt/connection';
import { idSource, type HostId, type InstanceId } from '@bellows/domain/ids';
import type { GuestStreams } from '@bellows/operations/ports/guest-stream';
import type { Fence, HostRef } from '@bellows/operations/ports/host-driver';
import { describeGuestStreams } from '../../guest-stream.contract.js';
import { elasticSpec } from '../guest-spec.fixture.js';
import { LibvirtDriver } from '../libvirt-driver.js';
import { LibvirtGuestStreams } from './libvirt-guest-streams.js';
import { probeInGuest } from './probe-in-guest.fixture.js';

const uri = process.env['BELLOWS_TEST_LIBVIRT_URI'] ?? 'qemu:///system';
const host: HostRef = { id: 'h-streams' as HostId, driver: 'libvirt', uri };
const newId = idSource((count) => randomBytes(count));
const bootMs = 180_000;

const fenceOf = (instanceId: InstanceId): Fence => ({
  controllerId: 'streams-suite',
  instanceId,
  token: 1,
  deadline: Date.now() + 60_000,
});

async function start(driver: LibvirtDriver): Promise<InstanceId> {
  const spec = elasticSpec(newId('instance'), randomInt(1, 0xfffe), { userData: probeInGuest });
  await driver.ensureVolumes(host, fenceOf(spec.instanceId), spec);
  await driver.ensureStarted(host, fenceOf(spec.instanceId), spec);
  return spec.instanceId;
}

/** Until the probe answers: the line may be up before it, with the engine or nothing behind it. */
async function answers(streams: GuestStreams, instanceId: InstanceId): Promise<void> {
  let last: unknown;
  for (const until = Date.now() + bootMs; Date.now() < until; await sleep(500)) {
    try {
      const stream = await streams.open(host, instanceId, 'docker');
      try {
        stream.write('ask nothing\n');
        const [said] = (await once(stream, 'data', { signal: AbortSignal.timeout(5_000) })) as [Buffer];
        if (said.toString() === 'none\n') return;
      } finally {
        stream.on('error', () => undefined).destroy();
      }
    } catch (error) {
      last = error;
    }
  }
  throw new Error('the guest never answered', { cause: last });
}

describeGuestStreams(
  'a real guest',
  async () => {
    const driver = new LibvirtDriver();
    const streams = new LibvirtGuestStreams();
    const running = await start(driver);
    await answers(streams, running);
    const spec = elasticSpec(newId('instance'), randomInt(1, 0xfffe));
    await driver.ensureVolumes(host, fenceOf(spec.instanceId), spec);
    return {
      streams,
      another: () => new LibvirtGuestStreams(),
      host,
      running,
      stopped: spec.instanceId,
      absent: newId('instance'),
      stopGuest: () => driver.ensureStopped(host, fenceOf(running), 0),
      close: async () => {
        await streams.close();
        for (const id of [running, spec.instanceId]) await driver.ensureAbsent(host, fenceOf(id));
        await driver.close();
      },
    };
  },
  { testMs: 180_000, fixtureMs: bootMs + 60_000 },
);

describe('a guest that reboots', () => {
  const driver = new LibvirtDriver();
  const streams = new LibvirtGuestStreams();
  let instanceId: InstanceId | null = null;

  afterAll(async () => {
    await streams.close();
    if (instanceId) await driver.ensureAbsent(host, fenceOf(instanceId));
    await driver.close();
  }, 60_000);

  it(
    'ends its streams, and takes new ones when it is back',
    async () => {
      instanceId = await start(driver);
      await answers(streams, instanceId);
      const stream = await streams.open(host, instanceId, 'docker');
      const failed = once(stream, 'error');
      stream.resume().write('hold it\n');
      const connection = await Connection.open(uri);
      await connection.domainReset(await connection.domainLookupByName(instanceId));
      await connection.close();
      expect((await failed)[0]).toMatchObject({ reason: 'not-running' });
      // The probe is there once per instance and does not come back; the line does.
      let back: Duplex | null = null;
      for (const until = Date.now() + bootMs; !back && Date.now() < until;) {
        back = await streams.open(host, instanceId, 'docker').catch(() => sleep(500, null));
      }
      expect(back).not.toBeNull();
      back?.on('error', () => undefined).destroy();
    },
    bootMs * 2 + 60_000,
  );
});
