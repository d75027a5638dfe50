import type { Connection } from '@bellows/node-libvirt/connection';
import {
  DomainAffect,
  DomainBlockResize,
  DomainDestroy,
  DomainStart,
  DomainVcpu,
} from '@bellows/node-libvirt/flags';
import { HypervisorRefusedError } from '@bellows/operations/ports/driver-errors';
import type { Fence } from '@bellows/operations/ports/host-driver';
import type { Deadline } from './deadline.js';
import { claimExisting, claimRunning, isActive, type OwnGuest } from './guard.js';
import { cpuPeriodUs, cpuQuotaUs, memoryLimitKib } from './limits.js';
import { leastBearableMib, pluggedRamMib } from './guest-memory.js';
import type { HostSession } from './session.js';
import { bytesPerGib, findVolume, rootVolume } from './volumes.js';
import { memoryBlockKib } from './xml/domain.js';
import { viewDomain, requestXml, type DomainView } from './xml/domain-view.js';
import { at, readXml } from './xml/read.js';

export interface Limits {
  readonly vcpus: number;
  readonly ramMib: number;
}

const liveAndConfig = DomainAffect.LIVE | DomainAffect.CONFIG;
const rootDisk = 'vda';

export async function ensureLimits(
  session: HostSession,
  fence: Fence,
  limits: Limits,
  deadline: Deadline,
): Promise<void> {
  if (
    !Number.isInteger(limits.vcpus) ||
    limits.vcpus < 1 ||
    !Number.isInteger(limits.ramMib) ||
    limits.ramMib < 1
  ) {
    throw new HypervisorRefusedError(`limits of ${limits.vcpus} vCPU and ${limits.ramMib} MiB`);
  }
  const connection = await session.connection('control', deadline);
  const guest = await claimRunning(connection, fence, deadline);
  await applyLimits(connection, guest, limits, deadline);
}

/** The memory limit is for this power cycle alone; see `domainXml`. */
export async function applyLimits(
  connection: Connection,
  { domain, mark }: OwnGuest,
  limits: Limits,
  deadline: Deadline,
): Promise<void> {
  const memory = { hard_limit: memoryLimitKib(limits.ramMib, mark.overheadMib) };
  const cpu = { global_period: cpuPeriodUs, global_quota: cpuQuotaUs(limits.vcpus) };
  await Promise.all([
    connection.domainSetMemoryParameters(domain, memory, DomainAffect.LIVE, deadline.call('limit memory')),
    connection.domainSetSchedulerParametersFlags(domain, cpu, liveAndConfig, deadline.call('limit CPU')),
  ]);
}

async function view(connection: Connection, guest: OwnGuest, deadline: Deadline): Promise<DomainView> {
  return viewDomain(await connection.domainGetXMLDesc(guest.domain, 0, deadline.call('read the guest')));
}

export async function ensureMemory(
  session: HostSession,
  fence: Fence,
  ramMib: number,
  deadline: Deadline,
): Promise<void> {
  const connection = await session.connection('control', deadline);
  const guest = await claimRunning(connection, fence, deadline);
  const seen = await view(connection, guest, deadline);
  const { elastic, bootMib } = seen;
  const requested = ramMib - bootMib;
  const most = elastic?.sizeMib ?? 0;
  if (
    !Number.isInteger(requested) ||
    requested < 0 ||
    requested > most ||
    (requested * 1024) % memoryBlockKib !== 0
  ) {
    throw new HypervisorRefusedError(
      `${ramMib} MiB is not between ${bootMib} and ${bootMib + most} MiB in whole blocks`,
    );
  }
  if (!elastic) return;
  const growing = requested >= elastic.requestedMib;
  // A shrink never asks for more than was asked before, whatever the guest can spare now.
  const asked = growing
    ? requested
    : Math.min(
        elastic.requestedMib,
        Math.max(requested, await leastBearableMib(connection, guest.domain, seen, deadline)),
      );
  const ask = (mib: number) =>
    connection.domainUpdateDeviceFlags(
      guest.domain,
      requestXml(elastic, mib),
      DomainAffect.LIVE,
      deadline.call('ask for memory'),
    );
  if (elastic.requestedMib === asked) {
    const pluggedMib = (await pluggedRamMib(connection, guest.domain, seen, deadline)) - bootMib;
    if (pluggedMib <= asked) return;
    // A guest that found nothing to give back tries ever more rarely by itself; a new request makes it try at once.
    await ask(pluggedMib);
  }
  await ask(asked);
}

/**
 * Upwards by hotplug where not all are present from the start; downwards only inside the guest: unplugging a vCPU and plugging it again kills QEMU 7.2.
 * The CPU quota holds whatever the guest makes of it.
 */
export async function ensureVcpus(
  session: HostSession,
  fence: Fence,
  vcpus: number,
  deadline: Deadline,
): Promise<void> {
  const connection = await session.connection('control', deadline);
  const guest = await claimRunning(connection, fence, deadline);
  const { vcpus: plugged, agentConnected } = await view(connection, guest, deadline);
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > plugged.max) {
    throw new HypervisorRefusedError(`${vcpus} vCPU is not between 1 and ${plugged.max}`);
  }
  if (vcpus > plugged.current) {
    const forNowAndNextBoot = DomainVcpu.LIVE | DomainVcpu.CONFIG;
    await connection.domainSetVcpusFlags(guest.domain, vcpus, forNowAndNextBoot, deadline.call('plug vCPUs'));
  }
  if (agentConnected && plugged.current > 1) await session.agents.switchVcpus(guest.domain, vcpus, deadline);
}

export async function ensureDiskGib(
  session: HostSession,
  fence: Fence,
  diskGib: number,
  deadline: Deadline,
): Promise<void> {
  const connection = await session.connection('control', deadline);
  const guest = await claimExisting(connection, fence, deadline);
  const { capacityBytes } = await connection.domainGetBlockInfo(
    guest.domain,
    rootDisk,
    0,
    deadline.call('read the disk'),
  );
  const wanted = diskGib * bytesPerGib;
  if (!Number.isInteger(diskGib) || diskGib < 1 || wanted < capacityBytes) {
    // libvirt itself would cut the disk off without a word
    throw new HypervisorRefusedError(
      `a disk of ${capacityBytes / bytesPerGib} GiB cannot become one of ${diskGib}`,
    );
  }
  if (wanted === capacityBytes) return;
  if (isActive(guest)) return growRunning(connection, guest, wanted, deadline);
  await growStopped(session, connection, guest, wanted, deadline);
}

const growRunning = (
  connection: Connection,
  { domain }: OwnGuest,
  bytes: number,
  deadline: Deadline,
): Promise<void> =>
  connection.domainBlockResize(
    domain,
    rootDisk,
    bytes,
    DomainBlockResize.BYTES,
    deadline.call('grow the disk'),
  );

/**
 * libvirt resizes a volume by the format it found when it last looked into the file, where a guest may have written
 * the header of another. Unless that is the format we made, QEMU does it, which goes by the definition.
 */
async function growStopped(
  session: HostSession,
  connection: Connection,
  guest: OwnGuest,
  bytes: number,
  deadline: Deadline,
): Promise<void> {
  const { storage } = await session.about(deadline);
  const volume = await findVolume(connection, storage.pool, rootVolume(guest.mark.instanceId), deadline);
  if (!volume) throw new HypervisorRefusedError(`guest ${guest.mark.instanceId} has no disk`);
  const xml = await connection.storageVolGetXMLDesc(volume, 0, deadline.call('read the disk'));
  if (
    at(readXml(xml), 'target', 'format')?.attributes['type'] === 'raw' &&
    (await isDefinedRaw(connection, guest, deadline))
  ) {
    return connection.storageVolResize(volume, bytes, 0, deadline.call('grow the disk'));
  }
  const started = await connection.domainCreateWithFlags(
    guest.domain,
    DomainStart.PAUSED,
    deadline.call('start paused'),
  );
  try {
    await growRunning(connection, { ...guest, domain: started }, bytes, deadline);
  } finally {
    await connection.domainDestroyFlags(started, DomainDestroy.DEFAULT, { timeoutMs: 10_000 });
  }
}

async function isDefinedRaw(
  connection: Connection,
  { domain }: OwnGuest,
  deadline: Deadline,
): Promise<boolean> {
  const xml = await connection.domainGetXMLDesc(domain, 0, deadline.call('read the guest'));
  return at(readXml(xml), 'devices', 'disk', 'driver')?.attributes['type'] === 'raw';
}
