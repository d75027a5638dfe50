import { Connection } from '@bellows/node-libvirt/connection';
import { isNoDomain } from '@bellows/node-libvirt/errors';
import { idSource, type HostId } from '@bellows/domain/ids';
import { randomBytes, randomInt } from 'node:crypto';
import { describeHostDriver } from '../host-driver.contract.js';
import { LibvirtDriver } from './libvirt-driver.js';
import { elasticSpec } from './guest-spec.fixture.js';
import { writeXml } from './xml/write.js';

const uri = process.env['BELLOWS_TEST_LIBVIRT_URI'] ?? 'qemu:///system';
const newId = idSource((count) => randomBytes(count));

/** A guest that somebody else runs: no disk, no mark, gone when it stops. */
async function addForeignGuest() {
  const connection = await Connection.open(uri);
  const name = `foreign-${randomInt(1e9)}`;
  const domain = await connection.domainCreateXML(
    writeXml({
      domain: {
        '@type': 'qemu',
        name,
        memory: { '@unit': 'MiB', '#': 64 },
        os: { type: { '@arch': 'x86_64', '@machine': 'pc-q35-7.2', '#': 'hvm' } },
      },
    }),
  );
  return {
    stillRuns: () =>
      connection.domainLookupByName(name).then(
        ({ id }) => id !== -1,
        (error: unknown) => {
          if (isNoDomain(error)) return false;
          throw error;
        },
      ),
    remove: async () => {
      await connection.domainDestroyFlags(domain);
      await connection.close();
    },
  };
}

describeHostDriver(
  'libvirt and QEMU on this machine',
  async () => {
    const driver = new LibvirtDriver();
    const host = { id: 'h-contract' as HostId, driver: 'libvirt', uri } as const;
    return {
      driver,
      host,
      controllerId: 'contract-suite',
      // An address apart from those that a controller hands out from below.
      spec: () => elasticSpec(newId('instance'), randomInt(1, 0xfffe)),
      now: Date.now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      addForeignGuest,
      close: () => driver.close(),
    };
  },
  { verbMs: 60_000, bootMs: 120_000, settleMs: 30_000 },
);
