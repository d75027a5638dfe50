import type { Connection } from '@bellows/node-libvirt/connection';
import { isNoDomain, LibvirtError } from '@bellows/node-libvirt/errors';
import { DomainAffect } from '@bellows/node-libvirt/flags';
import { DomainState } from '@bellows/node-libvirt/states';
import type { Domain, DomainBlockInfo } from '@bellows/node-libvirt/types';
import type { InstanceId } from '@bellows/domain/ids';
import type {
  GuestObservation,
  GuestPower,
  GuestReport,
  HostObservation,
  ListedGuest,
} from '@bellows/operations/ports/host-driver';
import type { Size } from '@bellows/domain/size';
import type { Deadline } from './deadline.js';
import { ownerOf } from './enrolment.js';
import { lookUpDomain, markOf } from './guard.js';
import { ramMibOfLimit, vcpusOfQuota } from './limits.js';
import type { InstanceMark } from './mark.js';
import type { HostSession } from './session.js';
import { bytesPerGib, imageOfVolume, instanceOfVolume } from './volumes.js';
import { viewDomain, type DomainView } from './xml/domain-view.js';

const absent: GuestObservation = {
  power: 'absent',
  fence: null,
  held: { vcpus: 0, ramMib: 0, diskGib: 0 },
  plugged: { vcpus: 0, ramMib: 0 },
  requestedRamMib: 0,
  guest: null,
};

function powerOf(state: number): GuestPower {
  if (state === DomainState.SHUTOFF || state === DomainState.CRASHED) return 'stopped';
  return state === DomainState.PAUSED || state === DomainState.PMSUSPENDED ? 'paused' : 'running';
}

interface Readings {
  readonly view: DomainView;
  readonly mark: InstanceMark;
  readonly power: GuestPower;
  readonly diskGib: number;
  readonly limits: { readonly vcpus: number; readonly ramMib: number };
}

const diskGibOf = (info: DomainBlockInfo | null): number =>
  info ? Math.floor(info.capacityBytes / bytesPerGib) : 0;

/** What the host enforces, by its cgroups; a guest that somebody freed of its limits holds all it could have. */
async function limitsOf(
  connection: Connection,
  domain: Domain,
  { vcpus, bootMib, elastic }: DomainView,
  overheadMib: number,
  deadline: Deadline,
) {
  const [cpu, memory] = await Promise.all([
    connection.domainGetSchedulerParametersFlags(
      domain,
      DomainAffect.LIVE,
      deadline.call('read the CPU limit'),
    ),
    connection.domainGetMemoryParameters(domain, DomainAffect.LIVE, deadline.call('read the memory limit')),
  ]);
  return {
    vcpus: vcpusOfQuota(cpu.global_quota, cpu.global_period) ?? vcpus.max,
    ramMib: ramMibOfLimit(memory.hard_limit, overheadMib) ?? bootMib + (elastic?.sizeMib ?? 0),
  };
}

async function readGuest(
  connection: Connection,
  domain: Domain,
  deadline: Deadline,
): Promise<Readings | null> {
  const call = () => deadline.call('observe a guest');
  const [xml, { state }, block] = await Promise.all([
    connection.domainGetXMLDesc(domain, 0, call()),
    connection.domainGetState(domain, 0, call()),
    connection.domainGetBlockInfo(domain, 'vda', 0, call()).catch((error: unknown) => {
      // The disk is not there yet, or not any more.
      if (error instanceof LibvirtError) return null;
      throw error;
    }),
  ]);
  const view = viewDomain(xml);
  if (!view.mark || view.mark.stage !== 'guest') return null;
  const power = powerOf(state);
  const off = { vcpus: 0, ramMib: 0 };
  const limits =
    power === 'stopped' ? off : await limitsOf(connection, domain, view, view.mark.overheadMib, deadline);
  return { view, mark: view.mark, power, diskGib: diskGibOf(block), limits };
}

export interface ObserveOptions {
  readonly askGuest: boolean;
}

export async function observeGuest(
  session: HostSession,
  instanceId: InstanceId,
  options: ObserveOptions,
  deadline: Deadline,
): Promise<GuestObservation> {
  const connection = await session.connection('control', deadline);
  const domain = await lookUpDomain(connection, instanceId, deadline);
  if (!domain) return absent;
  let read: Readings | null;
  try {
    read = await readGuest(connection, domain, deadline);
  } catch (error) {
    if (isNoDomain(error)) return absent;
    // It stopped between two of the questions: ask again, of a guest that is off.
    if (!(error instanceof LibvirtError)) throw error;
    read = await readGuest(connection, domain, deadline);
  }
  if (!read) return absent;
  const { view, mark, power, diskGib, limits } = read;
  const observed = { power, fence: mark.fence, held: { ...limits, diskGib } };
  if (power === 'stopped') return { ...absent, ...observed };
  const requestedRamMib = view.bootMib + (view.elastic?.requestedMib ?? 0);
  const currentRamMib = view.bootMib + (view.elastic?.currentMib ?? 0);
  const bounds = { vcpus: view.vcpus.current, ramMib: Math.max(currentRamMib, requestedRamMib) };
  const asked = options.askGuest && view.agentConnected && power === 'running';
  const guest = asked ? await session.agents.report(domain, bounds, deadline) : null;
  return { ...observed, plugged: pluggedBy(view, guest), requestedRamMib, guest };
}

/**
 * QEMU tells libvirt of virtio-mem at most once a second. What the guest says meanwhile can only bring the figure up
 * to what was asked for, never down.
 */
function pluggedBy(view: DomainView, guest: GuestReport | null): GuestObservation['plugged'] {
  const { currentMib = 0, requestedMib = 0 } = view.elastic ?? {};
  const said = Math.min((guest?.ramMib ?? 0) - view.bootMib, requestedMib);
  return { vcpus: view.vcpus.current, ramMib: view.bootMib + Math.max(currentMib, said) };
}

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
