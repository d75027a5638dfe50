import type { OperationKind } from '@bellows/domain/lifecycle';
import type { Clock } from '../ports/clock.js';
import type { Fence, GuestObservation, GuestSpec, HostDriver, HostRef } from '../ports/host-driver.js';
import type { EngineMachine } from '../ports/engine.js';
import type { ConfirmedBy, Host, Instance, Operation } from '../ports/rows.js';
import type { Change } from '../ports/store.js';

/** Whether the engine in the guest sees the new size: `differs` only where the guest was heard and disagrees. */
export type EngineVerdict = 'agrees' | 'differs' | 'unheard';

/** What a step may use. A step never touches the store: only the runner and the last commit do. */
export interface StepContext<Plan = unknown> {
  readonly operation: Operation;
  readonly plan: Plan;
  readonly instance: Instance;
  readonly host: Host;
  readonly hostRef: HostRef;
  readonly clock: Clock;
  readonly spec: GuestSpec;
  /**
   * Makes one driver call under the lease: waits for a lease that is fresh enough, and hands out a fence whose
   * deadline ends before the lease does. `whole` renews first, for verbs that take their time.
   */
  effect<Result>(
    call: (driver: HostDriver, fence: Fence) => Promise<Result>,
    need?: 'whole',
  ): Promise<Result>;
  /** Looks at the guest; changes nothing, so it needs no fence. */
  observe(askGuest: boolean): Promise<GuestObservation>;
  /** What the last look saw, when nothing was done and no time was slept since; else a new look. */
  seen(askGuest: boolean): Promise<GuestObservation>;
  /** Sleeps, unless the lease is lost or the worker is draining: then it throws. */
  sleep(ms: number): Promise<void>;
  /** Asks the container engine in the guest; null when it does not answer, `undefined` when nobody can ask. */
  askEngine(withinMs: number): Promise<EngineMachine | null | undefined>;
  warn(sentence: string): void;
  /** Of several words the weakest stands: what only the hypervisor confirms stays so. */
  confirmed(by: ConfirmedBy): void;
  /** What the engine was found to say; null before it was asked in this run. */
  engineVerdict: EngineVerdict | null;
}

/**
 * `do` and `undo` are *ensure* verbs: each may run twice, and again after a crash half way.
 * `undo` reads only the plan, never what `do` returned.
 */
export interface Step<Plan> {
  readonly name: string;
  do(ctx: StepContext<Plan>): Promise<void>;
  undo?(ctx: StepContext<Plan>): Promise<void>;
  /** From the start of this step on, the saga only goes forward. At most one a saga. */
  readonly pivot?: true;
}

export type Outcome = 'succeeded' | 'failed' | 'rolled-back' | 'cancelled' | 'stuck';

/** How it ended, as the last transaction writes it. */
export interface Ending {
  readonly state: Outcome | 'partial';
  /** Made together with the end of the operation. */
  readonly changes: readonly Change[];
}

export interface Saga<Plan> {
  readonly kind: OperationKind;
  readonly version: number;
  /** The steps this plan takes; the same plan always gives the same steps. */
  steps(plan: Plan): readonly Step<Plan>[];
  /** Looks once more and decides what the last transaction writes. */
  finish(ctx: StepContext<Plan>, outcome: Outcome): Promise<Ending>;
}

/** Thrown by a step that has given up; not retried. */
export class StepFailedError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'StepFailedError';
  }
}

/** The lease went to somebody else, or this worker is draining: stop at once, write nothing. */
export class LeaseLostError extends Error {
  constructor(message = 'the lease was lost') {
    super(message);
    this.name = 'LeaseLostError';
  }
}

/** The operation was cancelled while a step waited: turn round. */
export class CancelledError extends Error {}
