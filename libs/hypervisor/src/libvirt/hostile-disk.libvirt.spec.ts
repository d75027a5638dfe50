import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomInt } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Connection } from '@bellows/node-libvirt/connection';
import { idSource, type HostId } from '@bellows/domain/ids';
import type { Fence } from '@bellows/operations/ports/host-driver';
import { elasticSpec } from './guest-spec.fixture.js';
import { poolName } from './host-facts.js';
import { LibvirtDriver } from './libvirt-driver.js';
import { rootVolume } from './volumes.js';
import { at, readXml } from './xml/read.js';

/** Version 2, no backing file, clusters of 64 KiB, and a disk of 1 PiB (QEMU's docs/interop/qcow2.txt). */
function qcow2Header(): Buffer {
  const header = Buffer.alloc(512);
  header.write('QFI\xfb', 0, 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(2n ** 50n, 24);
  return header;
}

describe('a guest that writes the header of a qcow2 onto its raw disk', () => {
  const driver = new LibvirtDriver();
  const uri = process.env['BELLOWS_TEST_LIBVIRT_URI'] ?? 'qemu:///system';
  const host = { id: 'h-hostile' as HostId, driver: 'libvirt', uri } as const;
  const instanceId = idSource((count) => randomBytes(count))('instance');
  const spec = elasticSpec(instanceId, randomInt(1, 0xfffe));
  const fence = (): Fence => ({
    controllerId: 'hostile-suite',
    instanceId,
    token: 1,
    deadline: Date.now() + 60_000,
  });
  let connection: Connection;

  const volume = async () => {
    const pool = await connection.storagePoolLookupByName(poolName);
    return connection.storageVolLookupByName(pool, rootVolume(instanceId));
  };

  beforeAll(async () => {
    connection = await Connection.open(uri);
    await driver.ensureVolumes(host, fence(), spec);
    await driver.ensureStarted(host, fence(), spec);
    await driver.ensureStopped(host, fence(), 0);
    const stream = await connection.storageVolUpload(await volume(), 0, 512);
    await pipeline(Readable.from([qcow2Header()]), stream);
    await connection.storagePoolRefresh(await connection.storagePoolLookupByName(poolName));
  }, 120_000);

  afterAll(async () => {
    await driver.ensureAbsent(host, fence());
    await connection.close();
    await driver.close();
  }, 60_000);

  it('deceives libvirt, and not the driver', async () => {
    const seen = readXml(await connection.storageVolGetXMLDesc(await volume()));
    expect(at(seen, 'target', 'format')?.attributes['type']).toBe('qcow2');
    expect((await driver.observeGuest(host, instanceId)).held.diskGib).toBe(4);
    expect((await driver.observeHost(host)).foreign.diskGib).toBeLessThan(100_000);
  }, 30_000);

  it('is grown as the raw disk that it is', async () => {
    await driver.ensureDiskGib(host, fence(), 5);
    expect(await driver.observeGuest(host, instanceId)).toMatchObject({
      power: 'stopped',
      held: { diskGib: 5 },
    });
    await expect(driver.ensureDiskGib(host, fence(), 4)).rejects.toThrow(/cannot become/);
  }, 60_000);
});
