import { claimOf } from '@bellows/domain/host';
import type { InstanceId, ProjectId } from '@bellows/domain/ids';
import { nothing, type Size } from '@bellows/domain/size';
import { planSize, type Plan } from '@bellows/domain/plan';
import type { PlaceableHost } from '@bellows/domain/placement';
import type { OperationKind } from '@bellows/domain/lifecycle';
import type { Ask, Cloud } from '../cloud.js';
import type { Image, Instance, Operation } from '../ports/rows.js';
import { sagas } from '../sagas.js';
import type { CreatePlan } from './create.saga.js';

export interface CreateAsk {
  readonly name: string;
  readonly plan: string;
  readonly image: string;
  readonly zone?: string;
  readonly sshKeys?: readonly string[];
  readonly userData?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** 1..100; all of them, or none. */
  readonly count?: number;
  readonly antiAffinityGroup?: string;
  readonly dryRun?: boolean;
}

/** A create whose names are resolved. */
export interface ResolvedCreate {
  readonly body: CreateAsk;
  readonly plan: Plan;
  readonly image: Image;
  readonly projectId: ProjectId;
  readonly size: Size;
}

/** A fresh row for an operation of this instance. */
export function newOperation(
  cloud: Cloud,
  ask: Pick<Ask, 'requestId'> & { principal: { actor: string } },
  instance: Pick<Instance, 'id' | 'projectId' | 'hostId'>,
  kind: OperationKind,
  plan: unknown,
): Operation {
  const now = cloud.clock.now();
  return {
    id: cloud.newId('operation'),
    kind,
    projectId: instance.projectId,
    instanceId: instance.id,
    hostId: instance.hostId,
    state: 'pending',
    sagaVersion: sagas[kind].version,
    plan,
    steps: sagas[kind]
      .steps(plan)
      .map(({ name }) => ({ name, state: 'pending', attempt: 0, startedAt: null, finishedAt: null })),
    error: null,
    warnings: [],
    confirmedBy: null,
    cancelRequested: false,
    fence: 0,
    attempt: 0,
    // The API rings at once; the sweeper rings again for what was not taken up by then.
    dueAt: now,
    actor: ask.principal.actor,
    requestId: ask.requestId,
    createdAt: now,
    startedAt: null,
    finishedAt: null,
  };
}

/** They are claimed in the transaction that takes the slice. */
const noAddresses = {
  privateAddress: null,
  privatePrefixLength: null,
  privateGateway: null,
  publicAddress: null,
} as const;

/** One guest of a create, placed: its row, its operation and what it costs its host. */
export function newGuest(
  cloud: Cloud,
  ask: Ask,
  create: ResolvedCreate,
  host: PlaceableHost,
  ordinal: number | null,
) {
  const id = cloud.newId('instance');
  const { body, plan, image, projectId, size } = create;
  const now = cloud.clock.now();
  const instance: Instance = {
    id,
    projectId,
    hostId: host.id,
    name: ordinal === null ? body.name : `${body.name}-${ordinal}`,
    state: 'provisioning',
    planId: plan.id,
    family: plan.family,
    image: image.name,
    diskFormat: image.diskFormat,
    zone: host.zone,
    desired: size,
    reserved: size,
    held: nothing,
    effective: nothing,
    floor: plan.floor,
    ceiling: plan.ceiling,
    mac: macOf(id),
    tap: `bt${id.slice(-12)}`,
    ...noAddresses,
    sshKeys: body.sshKeys ?? [],
    userData: body.userData ?? null,
    tags: body.tags ?? {},
    antiAffinityGroup: body.antiAffinityGroup ?? null,
    conditions: [],
    version: 1,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  };
  const saga: CreatePlan = { size };
  const operation = newOperation(cloud, ask, instance, 'instance.create', saga);
  return { instance, operation, claim: claimOf(size, host.guestOverheadMib) };
}

export const sizeOf = (plan: Plan, image: Image): Size => {
  const size = planSize(plan);
  return { ...size, diskGib: Math.max(size.diskGib, image.minDiskGib) };
};

/** 52:54 and 32 bits of the id (FNV-1a): local, unicast, and the prefix that QEMU's own tools use. */
function macOf(id: InstanceId): string {
  let hash = 0x811c9dc5;
  for (const char of id) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  const hex = hash.toString(16).padStart(8, '0');
  return `52:54:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}:${hex.slice(6, 8)}`;
}
