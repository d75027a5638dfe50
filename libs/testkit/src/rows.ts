import { randomBytes } from 'node:crypto';
import type { OperationId } from '@bellows/domain/ids';
import { idSource } from '@bellows/domain/ids';
import { firstCatalogue, planSize } from '@bellows/domain/plan';
import type { Plan } from '@bellows/domain/plan';
import { nothing } from '@bellows/domain/size';
import type { Size } from '@bellows/domain/size';
import type {
  Host,
  Image,
  Instance,
  IpPool,
  Operation,
  Project,
  QuotaUse,
  Token,
} from '@bellows/operations/ports/rows';
import type { CreateAdmission } from '@bellows/operations/ports/store';

/** Real random ids. */
export const newId = idSource((count) => randomBytes(count));

/** A moment to count from in tests: 2026-01-01T00:00:00Z. */
export const someTime = Date.UTC(2026, 0, 1);

let count = 0;
const next = (): number => (count += 1);

export const size = (vcpus: number, ramMib: number, diskGib: number): Size => ({ vcpus, ramMib, diskGib });

export const planNamed = (id: string): Plan => {
  const plan = firstCatalogue.find((p) => p.id === id);
  if (!plan) throw new Error(`there is no plan ${id}`);
  return plan;
};

export const aProject = (given: Partial<Project> = {}): Project => {
  const id = given.id ?? newId('project');
  return { id, name: `project ${id}`, createdAt: someTime, ...given };
};

export const plenty: QuotaUse = {
  instances: 100_000,
  vcpus: 1_000_000,
  ramMib: 1_000_000_000,
  diskGib: 100_000_000,
};

/** A ready modelled host of 64 vCPUs, 256 GiB and 4 TiB, overcommit 4:1:1. */
export const aHost = (given: Partial<Host> = {}): Host => {
  const id = given.id ?? newId('host');
  const physical = given.physical ?? size(64, 256 * 1024, 4096);
  return {
    id,
    name: `host ${id}`,
    driver: 'sim',
    uri: `sim:${id}`,
    zone: 'zone-1',
    state: 'ready',
    physical,
    overcommit: size(4, 1, 1),
    reserve: nothing,
    foreign: nothing,
    guestOverheadMib: 256,
    capacity: size(physical.vcpus * 4, physical.ramMib, physical.diskGib),
    reserved: nothing,
    instances: 0,
    conditions: [],
    createdAt: someTime + next(),
    ...given,
  };
};

export const aPool = (given: Partial<IpPool> = {}): IpPool => ({
  id: newId('ipPool'),
  cidr: '10.64.0.0/10',
  gateway: '10.64.0.1',
  kind: 'private',
  mode: 'routed',
  zone: null,
  size: 0,
  used: 0,
  ...given,
});

export const anImage = (given: Partial<Image> = {}): Image => ({
  id: newId('image'),
  name: 'debian-12',
  diskFormat: 'qcow2',
  minDiskGib: 4,
  minRamMib: 512,
  os: 'debian',
  ...given,
});

export const aToken = (given: Partial<Token> = {}): Token => ({
  id: newId('token'),
  projectId: null,
  role: 'admin',
  name: 'a token',
  createdAt: someTime + next(),
  expiresAt: null,
  revokedAt: null,
  ...given,
});

type Owned = Pick<Instance, 'projectId' | 'hostId'>;

/** An instance being provisioned as `ecs-1c1g`; nothing is held yet. */
export const anInstance = (given: Owned & Partial<Instance>): Instance => {
  const id = given.id ?? newId('instance');
  const n = next();
  const plan = planNamed(given.planId ?? 'ecs-1c1g');
  const desired = given.desired ?? planSize(plan);
  const octets = [n >>> 16, n >>> 8, n].map((part) => (part & 255).toString(16).padStart(2, '0'));
  return {
    id,
    name: `instance-${n}`,
    state: 'provisioning',
    planId: plan.id,
    family: plan.family,
    image: 'debian-12',
    diskFormat: 'qcow2',
    zone: 'zone-1',
    desired,
    reserved: desired,
    held: nothing,
    effective: nothing,
    floor: plan.floor,
    ceiling: plan.ceiling,
    mac: `52:54:00:${octets.join(':')}`,
    tap: `bl${id.slice(2, 14)}`,
    privateAddress: null,
    privatePrefixLength: null,
    privateGateway: null,
    publicAddress: null,
    sshKeys: [],
    userData: null,
    tags: {},
    antiAffinityGroup: null,
    conditions: [],
    version: 1,
    createdAt: someTime + n,
    updatedAt: someTime + n,
    deletedAt: null,
    ...given,
  };
};

type Of = Pick<Operation, 'instanceId' | 'projectId' | 'hostId'>;

/** A pending resize, due at once. */
export const anOperation = (given: Of & Partial<Operation>): Operation => {
  const at = someTime + next();
  return {
    id: newId('operation'),
    kind: 'instance.resize',
    state: 'pending',
    sagaVersion: 1,
    plan: {},
    steps: [],
    error: null,
    warnings: [],
    confirmedBy: null,
    cancelRequested: false,
    fence: 0,
    attempt: 0,
    dueAt: at,
    actor: 'system',
    requestId: null,
    createdAt: at,
    startedAt: null,
    finishedAt: null,
    ...given,
  };
};

/** An operation of that instance. */
export const operationOn = (instance: Instance, given: Partial<Operation> = {}): Operation =>
  anOperation({ instanceId: instance.id, projectId: instance.projectId, hostId: instance.hostId, ...given });

/** The admission of `count` instances on one host, with the host's overhead in the claim. */
export function anAdmission(
  on: Host,
  projectId: Project['id'],
  given: Partial<CreateAdmission> & { count?: number; planId?: string } = {},
): CreateAdmission {
  const { count: guests = 1, planId = 'ecs-1c1g', ...rest } = given;
  const plan = planNamed(planId);
  const desired = planSize(plan);
  return {
    guests: Array.from({ length: guests }, () => {
      const instance = anInstance({ projectId, hostId: on.id, planId, zone: on.zone });
      return {
        instance,
        operation: operationOn(instance, { kind: 'instance.create' }),
        claim: size(desired.vcpus, desired.ramMib + on.guestOverheadMib, desired.diskGib),
      };
    }),
    privatePool: null,
    publicPool: null,
    quota: {
      projectId,
      delta: {
        instances: guests,
        vcpus: guests * desired.vcpus,
        ramMib: guests * desired.ramMib,
        diskGib: guests * desired.diskGib,
      },
    },
    events: [],
    audit: {
      actor: 'system',
      projectId,
      action: 'instance.create',
      resource: 'instance',
      requestId: null,
      at: someTime,
    },
    idempotency: null,
    answer: (made) => ({ status: 202, body: made.map((guest) => guest.operation.id as OperationId) }),
    ...rest,
  };
}
