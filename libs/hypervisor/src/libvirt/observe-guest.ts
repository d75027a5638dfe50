import type { Connection } from '@bellows/node-libvirt/connection';
import { isNoDomain, LibvirtError } from '@bellows/node-libvirt/errors';
import { DomainAffect } from '@bellows/node-libvirt/flags';
import { DomainState } from '@bellows/node-libvirt/states';
import type { Domain, DomainBlockInfo } from '@bellows/node-libvirt/types';
import type { InstanceId } from '@bellows/domain/ids';
import type { GuestObservation, GuestPower, GuestReport } from '@bellows/operations/ports/host-driver';
import type { Deadline } from './deadline.js';
import { lookUpDomain } from './guard.js';
import { ramMibOfLimit, vcpusOfQuota } from './limits.js';
import type { InstanceMark } from './mark.js';
import { pluggedRamMib } from './guest-memory.js';
import type { HostSession } from './session.js';
import { bytesPerGib } from './volumes.js';
import { viewDomain, type DomainView } from './xml/domain-view.js';

const absent: GuestObservation = {
  power: 'absent',
  fence: null,
  held: { vcpus: 0, ramMib: 0, diskGib: 0 },
  plugged: { vcpus: 0, ramMib: 0 },
  requestedRamMib: 0,
  guest: null,
};

export function powerOf(state: number): GuestPower {
  if (state === DomainState.SHUTOFF || state === DomainState.CRASHED) return 'stopped';
  return state === DomainState.PAUSED || state === DomainState.PMSUSPENDED ? 'paused' : 'running';
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
): Promise<{ vcpus: number; ramMib: number }> {
  const live = DomainAffect.LIVE;
  const [cpu, memory] = await Promise.all([
    connection.domainGetSchedulerParametersFlags(domain, live, deadline.call('read the CPU limit')),
    connection.domainGetMemoryParameters(domain, live, deadline.call('read the memory limit')),
  ]);
  return {
    vcpus: vcpusOfQuota(cpu.global_quota, cpu.global_period) ?? vcpus.max,
    ramMib: ramMibOfLimit(memory.hard_limit, overheadMib) ?? bootMib + (elastic?.sizeMib ?? 0),
  };
}

interface Definition {
  readonly view: DomainView;
  readonly mark: InstanceMark;
  readonly power: GuestPower;
  readonly diskGib: number;
}

/** Null while there are only volumes. */
async function readDefinition(
  connection: Connection,
  domain: Domain,
  deadline: Deadline,
): Promise<Definition | null> {
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
  if (view.mark?.stage !== 'guest') return null;
  return { view, mark: view.mark, power: powerOf(state), diskGib: diskGibOf(block) };
}

export interface ObserveOptions {
  readonly askGuest: boolean;
}

async function readGuest(
  session: HostSession,
  domain: Domain,
  { askGuest }: ObserveOptions,
  deadline: Deadline,
): Promise<GuestObservation> {
  const connection = await session.connection('control', deadline);
  const read = await readDefinition(connection, domain, deadline);
  if (!read) return absent;
  const { view, mark, power, diskGib } = read;
  if (power === 'stopped') return { ...absent, power, fence: mark.fence, held: { ...absent.held, diskGib } };
  const asked = askGuest && view.agentConnected && power === 'running';
  const [said, limits] = await Promise.all([
    asked ? session.agents.report(domain, deadline) : null,
    limitsOf(connection, domain, view, mark.overheadMib, deadline),
  ]);
  // After the guest has spoken, so that what it has taken by then is in the figure.
  const ramMib = await pluggedRamMib(connection, domain, view, deadline);
  // Present CPUs that the quota does not let run are not given.
  const plugged = { vcpus: Math.min(view.vcpus.current, limits.vcpus), ramMib };
  return {
    power,
    fence: mark.fence,
    held: { ...limits, diskGib },
    plugged,
    requestedRamMib: view.bootMib + (view.elastic?.requestedMib ?? 0),
    guest: said && within(said, plugged),
  };
}

/** No guest has more than it was given, whatever it says. */
const within = (said: GuestReport, plugged: GuestObservation['plugged']): GuestReport => ({
  vcpus: Math.min(said.vcpus, plugged.vcpus),
  ramMib: Math.min(said.ramMib, plugged.ramMib),
});

export async function observeGuest(
  session: HostSession,
  instanceId: InstanceId,
  options: ObserveOptions,
  deadline: Deadline,
): Promise<GuestObservation> {
  const connection = await session.connection('control', deadline);
  const domain = await lookUpDomain(connection, instanceId, deadline);
  if (!domain) return absent;
  // It may stop, or go, between two of the questions: then they are asked again, of a guest that is off.
  for (let attempt = 1; ; attempt++) {
    try {
      return await readGuest(session, domain, options, deadline);
    } catch (error) {
      if (isNoDomain(error)) return absent;
      if (!(error instanceof LibvirtError) || attempt > 1) throw error;
    }
  }
}
