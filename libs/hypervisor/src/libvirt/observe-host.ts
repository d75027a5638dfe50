import type { Connection } from '@bellows/node-libvirt/connection';
import { isNoDomain, LibvirtError } from '@bellows/node-libvirt/errors';
import type { Domain } from '@bellows/node-libvirt/types';
import type { HostObservation, ListedGuest } from '@bellows/operations/ports/host-driver';
import type { Size } from '@bellows/domain/size';
import type { Deadline } from './deadline.js';
import { ownerOf } from './enrolment.js';
import { markOf } from './guard.js';
import type { InstanceMark } from './mark.js';
import { powerOf } from './observe-guest.js';
import type { HostSession } from './session.js';
import { bytesPerGib, imageOfVolume, instanceOfVolume } from './volumes.js';

async function marked(
  connection: Connection,
  deadline: Deadline,
): Promise<{ domain: Domain; mark: InstanceMark | null }[]> {
  const domains = await connection.connectListAllDomains(0, deadline.call('list guests'));
  return Promise.all(
    domains.map(async (domain) => ({ domain, mark: await markOf(connection, domain, deadline) })),
  );
}

export async function listGuests(session: HostSession, deadline: Deadline): Promise<ListedGuest[]> {
  const connection = await session.connection('control', deadline);
  const all = await marked(connection, deadline);
  const listed = all.map(async ({ domain, mark }): Promise<ListedGuest | null> => {
    const own = mark?.instanceId === domain.name ? mark : null;
    // Only volumes yet: no guest.
    if (own && own.stage !== 'guest') return null;
    const state = await connection
      .domainGetState(domain, 0, deadline.call('list guests'))
      .catch((error: unknown) => {
        if (isNoDomain(error)) return null;
        throw error;
      });
    if (!state) return null;
    return {
      instanceId: own?.instanceId ?? null,
      controllerId: own?.controllerId ?? null,
      power: powerOf(state.state),
    };
  });
  return (await Promise.all(listed)).filter((guest) => guest !== null);
}

/** Running domains without a mark: all the memory and CPUs they may have. */
async function foreignDomains(
  connection: Connection,
  all: { domain: Domain; mark: InstanceMark | null }[],
  deadline: Deadline,
): Promise<{ vcpus: number; ramMib: number }> {
  const running = all.filter(({ domain, mark }) => mark === null && domain.id !== -1);
  const infos = await Promise.all(
    running.map(({ domain }) =>
      connection.domainGetInfo(domain, deadline.call('observe the host')).catch((error: unknown) => {
        if (error instanceof LibvirtError) return { nrVirtCpu: 0, maxMemKib: 0 };
        throw error;
      }),
    ),
  );
  return {
    vcpus: infos.reduce((sum, info) => sum + info.nrVirtCpu, 0),
    ramMib: Math.ceil(infos.reduce((sum, info) => sum + info.maxMemKib, 0) / 1024),
  };
}

async function poolOf(
  session: HostSession,
  connection: Connection,
  marks: ReadonlySet<string>,
  deadline: Deadline,
) {
  const { storage } = await session.about(deadline);
  const call = () => deadline.call('observe the pool');
  const [info, volumes] = await Promise.all([
    connection.storagePoolGetInfo(storage.pool, call()),
    connection.storagePoolListAllVolumes(storage.pool, 0, call()),
  ]);
  const own = volumes.filter(({ name }) => marks.has(instanceOfVolume(name) ?? ''));
  const sizes = await Promise.all(
    own.map((volume) => connection.storageVolGetInfo(volume, call()).catch(() => ({ allocationBytes: 0 }))),
  );
  const ownBytes = sizes.reduce((sum, { allocationBytes }) => sum + allocationBytes, 0);
  return {
    physicalGib: Math.floor(info.capacityBytes / bytesPerGib),
    // Everything on the file system that is not a guest's of Bellows: images, other volumes, the rest of the machine.
    foreignGib: Math.ceil(Math.max(0, info.allocationBytes - ownBytes) / bytesPerGib),
    images: volumes
      .map(({ name }) => imageOfVolume(name))
      .filter((name) => name !== null)
      .sort(),
  };
}

const versionText = (number: number): string =>
  [Math.floor(number / 1_000_000), Math.floor(number / 1000) % 1000, number % 1000].join('.');

export async function observeHost(session: HostSession, deadline: Deadline): Promise<HostObservation> {
  const connection = await session.connection('control', deadline);
  const call = () => deadline.call('observe the host');
  const { facts } = await session.about(deadline);
  const [node, memory, all, owner, libvirt, qemu] = await Promise.all([
    connection.nodeGetInfo(call()),
    // nodeGetInfo does not count memory that the host was given while it ran
    connection.nodeGetMemoryStats(-1, 0, call()),
    marked(connection, deadline),
    ownerOf(connection, deadline),
    connection.connectGetLibVersion(call()),
    connection.connectGetVersion(call()),
  ]);
  const marks = new Set(all.filter(({ mark }) => mark !== null).map(({ domain }) => domain.name));
  const [foreign, pool] = await Promise.all([
    foreignDomains(connection, all, deadline),
    poolOf(session, connection, marks, deadline),
  ]);
  const physical: Size = {
    vcpus: node.cpus,
    ramMib: Math.floor((memory['total'] ?? node.memoryKib) / 1024),
    diskGib: pool.physicalGib,
  };
  return {
    physical,
    foreign: { ...foreign, diskGib: pool.foreignGib },
    guestOverheadMib: facts.guestOverheadMib,
    owner,
    version: `libvirt ${versionText(libvirt)}, QEMU ${versionText(qemu)}, ${facts.virtType === 'kvm' ? 'KVM' : 'TCG'}`,
    images: pool.images,
  };
}
