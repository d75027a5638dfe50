import { capacityOf, defaultOvercommit } from '@bellows/domain/host';
import type { HostId } from '@bellows/domain/ids';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import { nothing, type Size } from '@bellows/domain/size';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import { DriverError, ForeignOwnerError } from '../ports/driver-errors.js';
import type { DriverName, HostDriver, HostObservation, HostRef } from '../ports/host-driver.js';
import type { Host } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole } from '../views/visible.js';

export interface EnrolHostAsk {
  readonly name: string;
  readonly driver: DriverName;
  /** Of the hypervisor; a modelled server has none to choose. */
  readonly uri?: string;
  readonly zone?: string;
  /** Size of a modelled server; a real one is as large as it is. */
  readonly vcpus?: number;
  readonly ramMib?: number;
  readonly diskGib?: number;
  readonly cpuOvercommit?: number;
  readonly ramOvercommit?: number;
}

/** Where modelled servers are made; null when this cloud has no modelled fleet. */
export interface ModelledServers {
  /** Idempotent by name. @returns the URI the driver knows it by. */
  registerHost(name: string, physical: Size): Promise<string>;
}

export const firstZone = 'zone-1';
const modelledSize: Size = { vcpus: 16, ramMib: 64 * 1024, diskGib: 2048 };
/** A real server keeps this for its own system; a modelled one has none. */
const realReserve: Size = { vcpus: 0, ramMib: 512, diskGib: 2 };

/** Observes a physical server, leaves our mark on it, and offers its capacity. Admins only. */
export async function enrolHost(
  cloud: Cloud,
  servers: ModelledServers | null,
  ask: Ask,
  body: EnrolHostAsk,
  answer: Answer<Host>,
): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const wrong = misfit(body);
  if (wrong) return wrong;
  const driver = cloud.drivers[body.driver];
  if (!driver || (body.driver === 'sim' && !servers)) {
    return refuse('conflict', `This cloud runs without the ${body.driver} driver.`);
  }
  const taken = await nameOrUriTaken(cloud, body);
  if (taken) return taken;
  const id = cloud.newId('host');
  try {
    const uri = servers && body.driver === 'sim' ? await register(servers, body) : body.uri!;
    const ref: HostRef = { id, driver: body.driver, uri };
    const seen = await observeAndMark(driver, ref, cloud.controllerId);
    const host = hostOf(id, uri, body, seen, cloud.clock.now());
    const audit = auditOf(ask, 'host.enrol', host.id, null, host.createdAt);
    return await mutate(cloud, ask, [{ change: 'insert-host', host }], audit, answer(host));
  } catch (error) {
    return whyNotEnrolled(error);
  }
}

function misfit(body: EnrolHostAsk): Refusal | null {
  const odd = (pointer: string, detail: string) =>
    refuse('invalid', 'The host cannot be enrolled as described.', undefined, [{ pointer, detail }]);
  if (body.driver === 'sim') {
    return body.uri === undefined ? null : odd('/uri', 'a modelled server has no uri to choose');
  }
  if (body.uri === undefined) return odd('/uri', 'is needed to reach a hypervisor');
  const sized = (['vcpus', 'ramMib', 'diskGib'] as const).find((field) => body[field] !== undefined);
  return sized ? odd(`/${sized}`, 'a real server is as large as it is; leave it out') : null;
}

/** The database has the last word; this keeps a mistyped name from marking a server. */
async function nameOrUriTaken(cloud: Cloud, body: EnrolHostAsk): Promise<Refusal | null> {
  let cursor: string | null = null;
  do {
    const page = await cloud.store.hosts({ limit: 500, cursor });
    const found = page.items.find((h) => h.name === body.name || (body.uri && h.uri === body.uri));
    if (found)
      return refuse('conflict', `Host ${found.id} has this name or URI already.`, { hostId: found.id });
    cursor = page.nextCursor;
  } while (cursor !== null);
  return null;
}

const register = (servers: ModelledServers, body: EnrolHostAsk): Promise<string> =>
  servers.registerHost(body.name, {
    vcpus: body.vcpus ?? modelledSize.vcpus,
    ramMib: body.ramMib ?? modelledSize.ramMib,
    diskGib: body.diskGib ?? modelledSize.diskGib,
  });

async function observeAndMark(
  driver: HostDriver,
  ref: HostRef,
  controllerId: string,
): Promise<HostObservation> {
  await driver.ensureEnrolled(ref, controllerId);
  return driver.observeHost(ref);
}

function hostOf(id: HostId, uri: string, body: EnrolHostAsk, seen: HostObservation, now: number): Host {
  const makeup = {
    physical: seen.physical,
    overcommit: {
      vcpus: body.cpuOvercommit ?? defaultOvercommit.vcpus,
      ramMib: body.ramOvercommit ?? defaultOvercommit.ramMib,
      diskGib: defaultOvercommit.diskGib,
    },
    reserve: body.driver === 'sim' ? nothing : realReserve,
    foreign: seen.foreign,
  };
  return {
    id,
    name: body.name,
    driver: body.driver,
    uri,
    zone: body.zone ?? firstZone,
    state: 'ready',
    ...makeup,
    guestOverheadMib: seen.guestOverheadMib,
    capacity: capacityOf(makeup),
    reserved: nothing,
    instances: 0,
    conditions: [],
    createdAt: now,
  };
}

/** A server that another controller holds, or that does not answer, is the client's to see to: never a 5xx. */
export function whyNotEnrolled(error: unknown): Refusal {
  if (error instanceof ForeignOwnerError) {
    return refuse('conflict', 'The server belongs to another controller.', { reason: 'foreign-owner' });
  }
  if (error instanceof DriverError) {
    return refuse('conflict', `The server cannot be used: ${error.message}`, { reason: 'driver' });
  }
  if (isRefusal(error)) return error;
  throw error;
}
