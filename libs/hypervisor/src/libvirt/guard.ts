import type { Connection } from '@bellows/node-libvirt/connection';
import { isNoDomain, isNoDomainMetadata } from '@bellows/node-libvirt/errors';
import { DomainAffect } from '@bellows/node-libvirt/flags';
import { DomainMetadataType } from '@bellows/node-libvirt/states';
import type { Domain } from '@bellows/node-libvirt/types';
import {
  ForeignOwnerError,
  HypervisorRefusedError,
  StaleFenceError,
} from '@bellows/operations/ports/driver-errors';
import type { Fence } from '@bellows/operations/ports/host-driver';
import type { Deadline } from './deadline.js';
import { markPrefix, markUri, markXml, parseMark, type InstanceMark } from './mark.js';

/** A guest that we have the right to act on. */
export interface OwnGuest {
  readonly domain: Domain;
  readonly mark: InstanceMark;
}

export const isActive = ({ domain }: Pick<OwnGuest, 'domain'>): boolean => domain.id !== -1;

export async function lookUpDomain(
  connection: Connection,
  name: string,
  deadline: Deadline,
): Promise<Domain | null> {
  try {
    return await connection.domainLookupByName(name, deadline.call('look up'));
  } catch (error) {
    if (isNoDomain(error)) return null;
    throw error;
  }
}

/** Null for a domain that Bellows did not make. */
export async function markOf(
  connection: Connection,
  domain: Domain,
  deadline: Deadline,
): Promise<InstanceMark | null> {
  try {
    const xml = await connection.domainGetMetadata(
      domain,
      DomainMetadataType.ELEMENT,
      markUri,
      DomainAffect.CURRENT,
      deadline.call('read metadata'),
    );
    return parseMark(xml);
  } catch (error) {
    if (isNoDomainMetadata(error) || isNoDomain(error)) return null;
    throw error;
  }
}

export async function writeMark(
  connection: Connection,
  guest: OwnGuest,
  mark: InstanceMark,
  deadline: Deadline,
): Promise<OwnGuest> {
  const impact = isActive(guest) ? DomainAffect.LIVE | DomainAffect.CONFIG : DomainAffect.CONFIG;
  await connection.domainSetMetadata(
    guest.domain,
    DomainMetadataType.ELEMENT,
    markXml(mark),
    markPrefix,
    markUri,
    impact,
    deadline.call('write metadata'),
  );
  return { domain: guest.domain, mark };
}

/**
 * The first step of every verb that has an effect: our guest with our fence on it; null when there is none.
 * Throws ForeignOwnerError, StaleFenceError.
 */
export async function claimGuest(
  connection: Connection,
  fence: Fence,
  deadline: Deadline,
): Promise<OwnGuest | null> {
  const domain = await lookUpDomain(connection, fence.instanceId, deadline);
  if (!domain) return null;
  const mark = await markOf(connection, domain, deadline);
  if (mark?.controllerId !== fence.controllerId || mark.instanceId !== fence.instanceId) {
    throw new ForeignOwnerError(
      `domain ${fence.instanceId} belongs to ${mark ? mark.controllerId : 'nobody we know'}`,
    );
  }
  if (mark.fence > fence.token) {
    throw new StaleFenceError(
      `guest ${fence.instanceId} carries fence ${mark.fence}, the call ${fence.token}`,
    );
  }
  if (mark.fence === fence.token) return { domain, mark };
  return writeMark(connection, { domain, mark }, { ...mark, fence: fence.token }, deadline);
}

export async function claimExisting(
  connection: Connection,
  fence: Fence,
  deadline: Deadline,
): Promise<OwnGuest> {
  const guest = await claimGuest(connection, fence, deadline);
  if (!guest) throw new HypervisorRefusedError(`there is no guest ${fence.instanceId}`);
  return guest;
}

export async function claimRunning(
  connection: Connection,
  fence: Fence,
  deadline: Deadline,
): Promise<OwnGuest> {
  const guest = await claimExisting(connection, fence, deadline);
  if (!isActive(guest)) throw new HypervisorRefusedError(`guest ${fence.instanceId} is not running`);
  return guest;
}
