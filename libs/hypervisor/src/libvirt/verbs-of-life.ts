import type { Connection } from '@bellows/node-libvirt/connection';
import { isNoDomain, isOperationInvalid, LibvirtError } from '@bellows/node-libvirt/errors';
import { DomainShutdown, DomainStart, DomainUndefine } from '@bellows/node-libvirt/flags';
import { DomainState } from '@bellows/node-libvirt/states';
import type { Domain } from '@bellows/node-libvirt/types';
import { ForeignOwnerError, HypervisorRefusedError } from '@bellows/operations/ports/driver-errors';
import type { Fence, GuestSpec } from '@bellows/operations/ports/host-driver';
import type { Deadline } from './deadline.js';
import { ownerOf } from './enrolment.js';
import { claimExisting, claimGuest, isActive, writeMark, type OwnGuest } from './guard.js';
import type { InstanceMark } from './mark.js';
import type { HostSession } from './session.js';
import { applyLimits, ensureMemory, ensureVcpus } from './verbs-of-size.js';
import {
  copyImage,
  imageFor,
  deleteVolume,
  diskPaths,
  findVolume,
  rootVolume,
  seedVolume,
  writeSeed,
} from './volumes.js';
import { domainXml, memoryBlockKib } from './xml/domain.js';

/** What QEMU takes to exit after the plug was pulled (1.4 to 1.6 s measured), with a margin. */
const destroyMs = 3_000;
const pollMs = 100;

async function define(
  session: HostSession,
  connection: Connection,
  spec: GuestSpec,
  mark: InstanceMark,
  deadline: Deadline,
): Promise<OwnGuest> {
  const { facts, storage } = await session.about(deadline);
  const xml = domainXml(spec, mark, facts, diskPaths(storage, spec.instanceId));
  const domain = await connection.domainDefineXML(xml, deadline.call('define'));
  return { domain, mark };
}

/** A volume bears no mark but its name. It is ours to use or delete only on a host that no one else has enrolled. */
async function refuseForeignHost(connection: Connection, fence: Fence, deadline: Deadline): Promise<void> {
  const owner = await ownerOf(connection, deadline);
  if (owner !== null && owner !== fence.controllerId) {
    throw new ForeignOwnerError(`the volumes of ${fence.instanceId} are on a host of controller ${owner}`);
  }
}

/**
 * The domain comes first, though it is not to run yet: its mark says whose the volumes are and how far they have
 * come, so that a copy cut short is told from a disk that is somebody's data.
 */
async function claimOrDefine(
  session: HostSession,
  connection: Connection,
  fence: Fence,
  spec: GuestSpec,
  deadline: Deadline,
): Promise<OwnGuest> {
  const guest = await claimGuest(connection, fence, deadline);
  if (guest) return guest;
  const { facts, storage } = await session.about(deadline);
  const disk = await findVolume(connection, storage.pool, rootVolume(spec.instanceId), deadline);
  if (disk) {
    // Somebody undefined the domain. An unfinished copy always has one, so this disk is whole, and is kept.
    await refuseForeignHost(connection, fence, deadline);
    await writeSeed(connection, storage, spec, deadline);
  } else {
    // Refused before anything is there.
    await imageFor(connection, storage, spec, deadline);
  }
  const { nic, instanceId } = spec;
  const { controllerId, token } = fence;
  const stage = disk ? 'volumes' : 'copying';
  const mark = {
    controllerId,
    instanceId,
    fence: token,
    overheadMib: facts.guestOverheadMib,
    stage,
    nic,
  } as const;
  return define(session, connection, spec, mark, deadline);
}

export async function ensureVolumes(
  session: HostSession,
  fence: Fence,
  spec: GuestSpec,
  deadline: Deadline,
): Promise<void> {
  refuseBadSpec(fence, spec);
  const connection = await session.connection('bulk', deadline);
  const guest = await claimOrDefine(session, connection, fence, spec, deadline);
  if (guest.mark.stage !== 'copying') return;
  const { storage } = await session.about(deadline);
  await copyImage(connection, storage, spec, deadline);
  await writeSeed(connection, storage, spec, deadline);
  await writeMark(connection, guest, { ...guest.mark, stage: 'volumes' }, deadline);
}

function refuseBadSpec(fence: Fence, { instanceId, size, floor, ceiling }: GuestSpec): void {
  const elasticKib = (size.ramMib - floor.ramMib) * 1024;
  const within =
    floor.vcpus <= size.vcpus &&
    size.vcpus <= ceiling.vcpus &&
    elasticKib >= 0 &&
    size.ramMib <= ceiling.ramMib;
  if (!within || elasticKib % memoryBlockKib !== 0 || size.vcpus < 1 || instanceId !== fence.instanceId) {
    throw new HypervisorRefusedError(`the size of ${instanceId} is not between its floor and its ceiling`);
  }
}

export async function ensureStarted(
  session: HostSession,
  fence: Fence,
  spec: GuestSpec,
  deadline: Deadline,
): Promise<void> {
  refuseBadSpec(fence, spec);
  const connection = await session.connection('bulk', deadline);
  const guest = await claimExisting(connection, fence, deadline);
  if (isActive(guest)) return adjustRunning(session, connection, guest, fence, spec, deadline);
  if (guest.mark.stage === 'copying')
    throw new HypervisorRefusedError(`guest ${fence.instanceId} has no disk yet`);
  const { facts, boots } = await session.about(deadline);
  await boots.take(fence.instanceId, deadline);
  try {
    // Waiting took time: somebody may have acted meanwhile.
    await claimExisting(connection, fence, deadline);
    const mark = {
      ...guest.mark,
      fence: fence.token,
      stage: 'guest',
      nic: spec.nic,
      overheadMib: facts.guestOverheadMib,
    } as const;
    await start(connection, await define(session, connection, spec, mark, deadline), spec, deadline);
  } catch (error) {
    boots.settle(fence.instanceId);
    throw error;
  }
}

/** Paused until its limits are in force: a guest never runs without them. */
async function start(
  connection: Connection,
  guest: OwnGuest,
  { size }: GuestSpec,
  deadline: Deadline,
): Promise<void> {
  const domain = await connection.domainCreateWithFlags(
    guest.domain,
    DomainStart.PAUSED,
    deadline.call('start'),
  );
  await applyLimits(connection, { ...guest, domain }, size, deadline);
  await connection.domainResume(domain, deadline.call('run'));
}

/** Also takes up a start that was cut short: such a guest is still paused. */
async function adjustRunning(
  session: HostSession,
  connection: Connection,
  guest: OwnGuest,
  fence: Fence,
  { size }: GuestSpec,
  deadline: Deadline,
): Promise<void> {
  await applyLimits(connection, guest, size, deadline);
  await ensureMemory(session, fence, size.ramMib, deadline);
  await ensureVcpus(session, fence, size.vcpus, deadline);
  if ((await stateOf(connection, guest.domain, deadline)) === DomainState.PAUSED) {
    await connection.domainResume(guest.domain, deadline.call('run'));
  }
}

/** Null when the domain is gone. */
export async function stateOf(
  connection: Connection,
  domain: Domain,
  deadline: Deadline,
): Promise<number | null> {
  try {
    return (await connection.domainGetState(domain, 0, deadline.call('read the state'))).state;
  } catch (error) {
    if (isNoDomain(error)) return null;
    throw error;
  }
}

const isOff = (state: number | null): boolean =>
  state === null || state === DomainState.SHUTOFF || state === DomainState.CRASHED;

export async function ensureStopped(
  session: HostSession,
  fence: Fence,
  graceMs: number,
  deadline: Deadline,
): Promise<void> {
  const connection = await session.connection('bulk', deadline);
  const guest = await claimGuest(connection, fence, deadline);
  if (!guest || !isActive(guest)) return;
  if (graceMs > 0 && (await stoppedPolitely(connection, guest.domain, deadline, graceMs))) return;
  await destroy(connection, guest.domain, deadline);
}

/** Leaves time to pull the plug: a guest that will not go is stopped before the deadline all the same. */
async function stoppedPolitely(
  connection: Connection,
  domain: Domain,
  deadline: Deadline,
  graceMs: number,
): Promise<boolean> {
  const patience = deadline.within(Math.min(graceMs, deadline.remainingMs - destroyMs));
  if (patience.remainingMs <= 0) return false;
  try {
    await connection.domainShutdownFlags(domain, DomainShutdown.ACPI_POWER_BTN, deadline.call('shut down'));
  } catch (error) {
    // A guest that cannot be asked, being paused or on its way out, is stopped the other way.
    if (!(error instanceof LibvirtError)) throw error;
  }
  while (patience.remainingMs > 0) {
    if (isOff(await stateOf(connection, domain, deadline))) return true;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return isOff(await stateOf(connection, domain, deadline));
}

async function destroy(connection: Connection, domain: Domain, deadline: Deadline): Promise<void> {
  try {
    await connection.domainDestroyFlags(domain, 0, deadline.call('destroy'));
  } catch (error) {
    if (!isNoDomain(error) && !isOperationInvalid(error)) throw error;
    if (!isOff(await stateOf(connection, domain, deadline))) throw error;
  }
}

/** The domain goes last: as long as there is anything of the guest, its mark tells whose it is. */
export async function ensureAbsent(session: HostSession, fence: Fence, deadline: Deadline): Promise<void> {
  const connection = await session.connection('bulk', deadline);
  const guest = await claimGuest(connection, fence, deadline);
  const { storage } = await session.about(deadline);
  if (guest && isActive(guest)) await destroy(connection, guest.domain, deadline);
  const names = [rootVolume(fence.instanceId), seedVolume(fence.instanceId)];
  for (const name of names) {
    if (!guest) {
      if (!(await findVolume(connection, storage.pool, name, deadline))) continue;
      await refuseForeignHost(connection, fence, deadline);
    }
    await deleteVolume(connection, storage.pool, name, deadline);
  }
  if (guest) await undefine(connection, guest.domain, deadline);
}

async function undefine(connection: Connection, domain: Domain, deadline: Deadline): Promise<void> {
  const everything =
    DomainUndefine.MANAGED_SAVE |
    DomainUndefine.SNAPSHOTS_METADATA |
    DomainUndefine.CHECKPOINTS_METADATA |
    DomainUndefine.NVRAM;
  try {
    await connection.domainUndefineFlags(domain, everything, deadline.call('undefine'));
  } catch (error) {
    if (!isNoDomain(error)) throw error;
  }
}
