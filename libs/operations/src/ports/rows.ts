import type {
  HostId,
  ImageId,
  InstanceId,
  IpPoolId,
  OperationId,
  ProjectId,
  TokenId,
} from '@bellows/domain/ids';
import type {
  HostState,
  InstanceState,
  OperationKind,
  OperationState,
  StepState,
} from '@bellows/domain/lifecycle';
import type { ElasticBound, PlanFamily } from '@bellows/domain/plan';
import type { Size } from '@bellows/domain/size';
import type { DriverName } from './host-driver.js';

/** Times are milliseconds since the Unix epoch everywhere inside; RFC 3339 only at the REST edge. */
export type EpochMs = number;

export interface Condition {
  readonly type: string;
  readonly message: string;
  readonly since: EpochMs;
}

export interface Instance {
  readonly id: InstanceId;
  readonly projectId: ProjectId;
  readonly hostId: HostId;
  readonly name: string;
  readonly state: InstanceState;
  readonly planId: string;
  readonly family: PlanFamily;
  readonly image: string;
  readonly diskFormat: 'raw' | 'qcow2';
  readonly zone: string;
  /** Asked for. */
  readonly desired: Size;
  /** Claimed on the host, without the hypervisor's overhead. */
  readonly reserved: Size;
  /** Enforced by the host now, and billed. */
  readonly held: Size;
  /** What the guest last said; zero before it ever spoke. `diskGib` is the hypervisor's word. */
  readonly effective: Size;
  readonly floor: ElasticBound;
  readonly ceiling: ElasticBound;
  readonly mac: string;
  readonly tap: string;
  readonly privateAddress: string | null;
  readonly privatePrefixLength: number | null;
  readonly privateGateway: string | null;
  readonly publicAddress: string | null;
  readonly sshKeys: readonly string[];
  readonly userData: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly antiAffinityGroup: string | null;
  readonly conditions: readonly Condition[];
  /** Counts every write to the row; the ETag. */
  readonly version: number;
  readonly createdAt: EpochMs;
  readonly updatedAt: EpochMs;
  readonly deletedAt: EpochMs | null;
}

export interface Host {
  readonly id: HostId;
  readonly name: string;
  readonly driver: DriverName;
  readonly uri: string;
  readonly zone: string;
  readonly state: HostState;
  readonly physical: Size;
  readonly overcommit: Size;
  /** Kept for the host itself. */
  readonly reserve: Size;
  /** Used by guests that are not ours. */
  readonly foreign: Size;
  readonly guestOverheadMib: number;
  /** What may be sold: see `domain/host.ts`. */
  readonly capacity: Size;
  /** The sum of its instances' `reserved`, plus overhead for each that has memory reserved. */
  readonly reserved: Size;
  readonly instances: number;
  readonly conditions: readonly Condition[];
  readonly createdAt: EpochMs;
}

export interface OperationStep {
  readonly name: string;
  readonly state: StepState;
  readonly attempt: number;
  readonly startedAt: EpochMs | null;
  readonly finishedAt: EpochMs | null;
  readonly error?: string;
}

export interface OperationError {
  readonly code: string;
  readonly detail: string;
}

/**
 * Who confirmed the new size: the guest's agent; the agent and the container engine in the guest; or, where one of
 * them was expected and was not heard, only the hypervisor.
 */
export type ConfirmedBy = 'guest' | 'engine' | 'hypervisor';

export interface Operation {
  readonly id: OperationId;
  readonly kind: OperationKind;
  readonly projectId: ProjectId;
  readonly instanceId: InstanceId;
  readonly hostId: HostId;
  readonly state: OperationState;
  /** The saga that made `plan`; a worker leases only versions it knows. */
  readonly sagaVersion: number;
  /** What the saga will do, fixed at admission. JSON. */
  readonly plan: unknown;
  readonly steps: readonly OperationStep[];
  readonly error: OperationError | null;
  readonly warnings: readonly string[];
  readonly confirmedBy: ConfirmedBy | null;
  readonly cancelRequested: boolean;
  /** Token of the last lease; 0 before the first. */
  readonly fence: number;
  readonly attempt: number;
  /** When a worker should (next) look at it. */
  readonly dueAt: EpochMs;
  /** Who asked: a token id, or `system`. */
  readonly actor: string;
  readonly requestId: string | null;
  readonly createdAt: EpochMs;
  readonly startedAt: EpochMs | null;
  readonly finishedAt: EpochMs | null;
}

export interface Image {
  readonly id: ImageId;
  readonly name: string;
  readonly diskFormat: 'raw' | 'qcow2';
  readonly minDiskGib: number;
  readonly minRamMib: number;
  readonly os: string;
}

export interface IpPool {
  readonly id: IpPoolId;
  readonly cidr: string;
  readonly gateway: string;
  readonly kind: 'public' | 'private';
  readonly mode: 'routed' | 'bridged';
  /** Null: serves every zone that has no pool of its own. */
  readonly zone: string | null;
  readonly size: number;
  readonly used: number;
}

export interface Project {
  readonly id: ProjectId;
  readonly name: string;
  readonly createdAt: EpochMs;
}

export type Role = 'owner' | 'member' | 'viewer' | 'admin';

export interface Token {
  readonly id: TokenId;
  /** Null for a cloud admin's token. */
  readonly projectId: ProjectId | null;
  readonly role: Role;
  readonly name: string;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs | null;
  readonly revokedAt: EpochMs | null;
}

export interface QuotaUse {
  readonly instances: number;
  readonly vcpus: number;
  readonly ramMib: number;
  readonly diskGib: number;
}

export interface Quota {
  readonly projectId: ProjectId;
  readonly limit: QuotaUse;
  readonly used: QuotaUse;
  /** Of images in the registry, which itself knows how much there is. */
  readonly registryLimitMib: number;
}

/** One stretch of time at one size; open while `until` is null. */
export interface UsageInterval {
  readonly instanceId: InstanceId;
  readonly projectId: ProjectId;
  readonly planId: string;
  readonly held: Size;
  readonly from: EpochMs;
  readonly until: EpochMs | null;
}
