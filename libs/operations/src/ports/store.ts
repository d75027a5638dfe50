import type { HostId, InstanceId, IpPoolId, OperationId, ProjectId, TokenId } from '@bellows/domain/ids';
import type { InstanceState, OperationKind } from '@bellows/domain/lifecycle';
import type { Plan } from '@bellows/domain/plan';
import type { Size } from '@bellows/domain/size';
import type { AuthorityRecords } from './docker-authority.js';
import type { EngineRecords } from './engine.js';
import type { EngineJobRecords } from './engine-jobs.js';
import type { Page, PageAsk } from './page.js';
import type {
  EpochMs,
  Host,
  Image,
  Instance,
  IpPool,
  Operation,
  OperationStep,
  Project,
  Quota,
  QuotaUse,
  Token,
  UsageInterval,
} from './rows.js';

export type { Page, PageAsk };

/** Written in the same transaction as what it records. */
export interface AuditEntry {
  readonly actor: string;
  readonly projectId: ProjectId | null;
  readonly action: string;
  readonly resource: string;
  readonly requestId: string | null;
  readonly at: EpochMs;
}

/** Leaves through the outbox; its sequence number is given after commit. */
export interface CloudEvent {
  readonly type: string;
  readonly projectId: ProjectId | null;
  readonly resource: string;
  readonly data: unknown;
  readonly at: EpochMs;
}

export interface StoredAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface IdempotencyScope {
  /** Token's project, or `admin`. */
  readonly scope: string;
  readonly key: string;
  /** Of method, route and body. */
  readonly requestHash: string;
}

/** A change to a row, with what must be true for it to be made. All changes of one commit are made, or none. */
export type Change =
  | { readonly change: 'insert-operation'; readonly operation: Operation }
  | {
      readonly change: 'update-instance';
      readonly id: InstanceId;
      /**
       * Refused (`state`, `version`) when the row differs. An instance that is `deleting` stays so, whatever another
       * operation's end writes of its state, until it is `deleted`.
       */
      readonly expect?: { readonly states?: readonly InstanceState[]; readonly version?: number };
      readonly set: Partial<
        Pick<
          Instance,
          | 'name'
          | 'tags'
          | 'state'
          | 'planId'
          | 'floor'
          | 'ceiling'
          | 'desired'
          | 'reserved'
          | 'held'
          | 'effective'
          | 'conditions'
          | 'deletedAt'
        >
      >;
    }
  /** Signed. A positive part must fit the capacity of a ready host (`no-room`); the result is never negative. */
  | {
      readonly change: 'claim-host';
      readonly hostId: HostId;
      readonly delta: Size;
      readonly instances?: number;
    }
  /** Signed; `over-quota` when the limit would be passed. */
  | { readonly change: 'claim-quota'; readonly projectId: ProjectId; readonly delta: QuotaUse }
  | { readonly change: 'release-addresses'; readonly instanceId: InstanceId }
  /** Closes the open interval and, when `held` is not null, opens the next; nothing happens when nothing differs. */
  | {
      readonly change: 'cut-usage';
      readonly instanceId: InstanceId;
      readonly projectId: ProjectId;
      readonly planId: string;
      readonly held: Size | null;
      readonly at: EpochMs;
    }
  /** Refused (`fence`) when another worker has leased the operation since. */
  | {
      readonly change: 'finish-operation';
      readonly id: OperationId;
      readonly fence: number;
      readonly set: Pick<Operation, 'state' | 'steps' | 'error' | 'warnings' | 'confirmedBy' | 'finishedAt'>;
    }
  | { readonly change: 'request-cancel'; readonly id: OperationId; readonly dueAt: EpochMs }
  | { readonly change: 'insert-project'; readonly project: Project; readonly quota: QuotaUse }
  | {
      readonly change: 'set-quota';
      readonly projectId: ProjectId;
      readonly limit: QuotaUse;
      readonly registryMib: number;
    }
  | { readonly change: 'insert-token'; readonly token: Token; readonly secretHash: string }
  | { readonly change: 'revoke-token'; readonly id: TokenId; readonly at: EpochMs }
  | { readonly change: 'insert-host'; readonly host: Host }
  | {
      readonly change: 'update-host';
      readonly id: HostId;
      readonly set: Partial<
        Pick<
          Host,
          | 'state'
          | 'physical'
          | 'foreign'
          | 'overcommit'
          | 'reserve'
          | 'guestOverheadMib'
          | 'capacity'
          | 'conditions'
        >
      >;
    }
  /** Refused (`in-use`) while it has instances. */
  | { readonly change: 'delete-host'; readonly id: HostId }
  | { readonly change: 'insert-ip-pool'; readonly pool: IpPool }
  /** Refused (`in-use`) while an address of it is claimed. */
  | { readonly change: 'delete-ip-pool'; readonly id: IpPoolId }
  | { readonly change: 'put-plan'; readonly plan: Plan; readonly mode: 'insert' | 'replace' }
  | { readonly change: 'put-image'; readonly image: Image }
  | { readonly change: 'event'; readonly event: CloudEvent }
  | { readonly change: 'audit'; readonly entry: AuditEntry }
  /** Refused (`idempotency`) when the key is taken. */
  | {
      readonly change: 'keep-answer';
      readonly idempotency: IdempotencyScope;
      readonly answer: StoredAnswer;
      readonly at: EpochMs;
    };

export type CommitRefusal =
  | { readonly why: 'busy'; readonly operationId: OperationId }
  | {
      readonly why:
        | 'no-room'
        | 'over-quota'
        | 'no-address'
        | 'state'
        | 'version'
        | 'fence'
        | 'idempotency'
        | 'exists'
        | 'in-use'
        | 'not-found'
        /** A value the database cannot keep, such as a NUL character in a text. */
        | 'invalid';
    };

export type CommitResult = { readonly ok: true } | ({ readonly ok: false } & CommitRefusal);

/** One accepted POST of instances: all its guests, or none. */
export interface CreateAdmission {
  readonly guests: readonly {
    readonly instance: Instance;
    readonly operation: Operation;
    /** Reserved plus overhead. */ readonly claim: Size;
  }[];
  /** Pools to take addresses from, per guest; the store fills the instance's address fields in. */
  readonly privatePool: IpPool | null;
  readonly publicPool: IpPool | null;
  readonly quota: { readonly projectId: ProjectId; readonly delta: QuotaUse };
  readonly events: readonly CloudEvent[];
  readonly audit: AuditEntry;
  readonly idempotency: IdempotencyScope | null;
  /** The answer to keep beside the key, made from the rows as they were stored. */
  readonly answer: (guests: readonly { instance: Instance; operation: Operation }[]) => StoredAnswer;
}

type Admitted = readonly { readonly instance: Instance; readonly operation: Operation }[];
export type AdmissionResult =
  { readonly ok: true; readonly guests: Admitted } | ({ readonly ok: false } & CommitRefusal);

/** What placement needs to know of a host. */
export type PlacementRow = Pick<
  Host,
  'id' | 'zone' | 'state' | 'capacity' | 'reserved' | 'guestOverheadMib' | 'driver'
>;

/** A lease, with the rows as they were when it was taken. */
export interface LeasedOperation {
  readonly operation: Operation;
  readonly instance: Instance;
  readonly host: Host;
  readonly leaseUntil: EpochMs;
}

/** Postgres is the truth. One `commit` with preconditions, plus reads; no transaction crosses this port. */
export interface Store extends EngineRecords, AuthorityRecords, EngineJobRecords {
  /** Made at the first migration, never changes: what marks hosts and guests as ours. */
  controllerId(): Promise<string>;
  commit(changes: readonly Change[]): Promise<CommitResult>;
  /** Admits many creates in one transaction; each succeeds or is refused on its own. */
  admitCreates(batch: readonly CreateAdmission[]): Promise<AdmissionResult[]>;
  keptAnswer(scope: string, key: string): Promise<{ requestHash: string; answer: StoredAnswer } | null>;

  instance(id: InstanceId): Promise<Instance | null>;
  /** Without the deleted ones, unless `state: 'deleted'` is asked for. */
  instances(
    ask: PageAsk & {
      projectId?: ProjectId;
      hostId?: HostId;
      state?: InstanceState;
      name?: string;
      planId?: string;
      tag?: { key: string; value: string };
    },
  ): Promise<Page<Instance>>;
  /** Hosts (of the asked) that already carry a live member of the project's anti-affinity group. */
  groupHosts(projectId: ProjectId, group: string): Promise<HostId[]>;
  host(id: HostId): Promise<Host | null>;
  hosts(ask: PageAsk & { zone?: string; state?: string }): Promise<Page<Host>>;
  heldOnHost(id: HostId): Promise<Size>;
  zones(): Promise<string[]>;
  plans(): Promise<Plan[]>;
  images(): Promise<Image[]>;
  ipPools(): Promise<IpPool[]>;
  project(id: ProjectId): Promise<Project | null>;
  projects(ask: PageAsk): Promise<Page<Project>>;
  quota(id: ProjectId): Promise<Quota | null>;
  tokenBySecretHash(secretHash: string): Promise<Token | null>;
  tokens(ask: PageAsk & { projectId?: ProjectId }): Promise<Page<Token>>;
  operation(id: OperationId): Promise<Operation | null>;
  operations(
    ask: PageAsk & { projectId?: ProjectId; instanceId?: InstanceId; state?: string; kind?: OperationKind },
  ): Promise<Page<Operation>>;
  liveOperation(instanceId: InstanceId): Promise<Operation | null>;
  usage(
    ask: PageAsk & { projectId?: ProjectId; instanceId?: InstanceId; from?: EpochMs; until?: EpochMs },
  ): Promise<Page<UsageInterval>>;
  audit(ask: PageAsk & { projectId?: ProjectId }): Promise<Page<AuditEntry & { id: string }>>;
  /** Calls back with the id of every operation that ended, from any process; may miss some: keep polling too. */
  onOperationEnded(listener: (id: OperationId) => void): () => void;

  /** All hosts, and a mark to ask for what changed later. */
  placementRows(): Promise<{ rows: PlacementRow[]; mark: string }>;
  /** Hosts changed by any process since the mark, without gaps; `removed` are gone. */
  placementChanges(mark: string): Promise<{ rows: PlacementRow[]; removed: HostId[]; mark: string }>;

  /**
   * Takes the lease of a live operation whose lease is free or over, gives it the next fence token and marks it
   * running. Null when somebody has it, it has ended, its saga version is not among `known`, or it is a delete
   * that must wait for another operation of the instance.
   */
  lease(
    id: OperationId,
    owner: string,
    leaseMs: number,
    known: Readonly<Partial<Record<OperationKind, readonly number[]>>>,
  ): Promise<LeasedOperation | null>;
  /** False when the lease was lost. */
  renewLease(
    id: OperationId,
    fence: number,
    leaseMs: number,
  ): Promise<{ leaseUntil: EpochMs; cancelRequested: boolean } | null>;
  /** False when the lease was lost; then nothing was written. */
  recordSteps(id: OperationId, fence: number, steps: readonly OperationStep[]): Promise<boolean>;
  /** Gives the lease back, to be rung again at `dueAt`. */
  releaseLease(id: OperationId, fence: number, dueAt: EpochMs): Promise<void>;
  /** Live operations that are due and nobody holds: what the sweeper rings for. */
  overdue(now: EpochMs, limit: number): Promise<OperationId[]>;
  /** Instances whose `reserved` or guest still exceeds `desired`, or that carry the condition `partial`. */
  unsettled(limit: number): Promise<Instance[]>;
  /** Numbers committed events in order; returns how many. One process at a time does it (advisory lock). */
  sequenceEvents(limit: number): Promise<number>;
  /** Removes kept answers and numbered events older than that. */
  prune(before: { answers: EpochMs; events: EpochMs }): Promise<void>;
  close(): Promise<void>;
}
