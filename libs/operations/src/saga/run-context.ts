import type { Cloud } from '../cloud.js';
import { guestSpec } from '../instance/guest-spec.js';
import type { Fence, GuestObservation, GuestSpec, HostDriver, HostRef } from '../ports/host-driver.js';
import type { Clock } from '../ports/clock.js';
import type { EngineMachine, EngineQuestions } from '../ports/engine.js';
import type { ConfirmedBy, Host, Instance, Operation } from '../ports/rows.js';
import type { Lease } from './lease.js';
import { CancelledError, LeaseLostError, type EngineVerdict, type StepContext } from './saga.js';

/** The step context of one leased operation. */
export class RunContext implements StepContext {
  readonly warnings: string[];
  confirmation: ConfirmedBy | null = null;
  engineVerdict: EngineVerdict | null = null;
  /** While the saga goes forward and has not passed its pivot. */
  mayTurn = false;
  private lastSeen: { readonly seen: GuestObservation; readonly askedGuest: boolean } | null = null;

  private constructor(
    readonly operation: Operation,
    readonly instance: Instance,
    readonly host: Host,
    readonly clock: Clock,
    private readonly reach: { readonly driver: HostDriver; readonly engines: EngineQuestions | undefined },
    /** What ends it early: the lease is lost, or the worker is told to go. */
    private readonly ends: { readonly lease: Lease; readonly draining: AbortSignal },
  ) {
    this.warnings = [...operation.warnings];
  }

  static of({ clock, drivers, engines }: Cloud, lease: Lease, draining: AbortSignal): RunContext {
    const { operation, instance, host } = lease.leased;
    const driver = drivers[host.driver];
    if (!driver) throw new Error(`this worker has no ${host.driver} driver`);
    return new RunContext(operation, instance, host, clock, { driver, engines }, { lease, draining });
  }

  get plan(): unknown {
    return this.operation.plan;
  }

  get hostRef(): HostRef {
    return { id: this.host.id, driver: this.host.driver, uri: this.host.uri };
  }

  get spec(): GuestSpec {
    return guestSpec(this.instance);
  }

  async effect<Result>(
    call: (driver: HostDriver, fence: Fence) => Promise<Result>,
    need?: 'whole',
  ): Promise<Result> {
    const { lease, draining } = this.ends;
    draining.throwIfAborted();
    const fence = await lease.fence(this.instance.id, need);
    this.lastSeen = null;
    const result = await call(this.reach.driver, fence);
    lease.signal.throwIfAborted();
    return result;
  }

  async observe(askGuest: boolean): Promise<GuestObservation> {
    this.ends.lease.signal.throwIfAborted();
    const seen = await this.reach.driver.observeGuest(this.hostRef, this.instance.id, { askGuest });
    this.lastSeen = { seen, askedGuest: askGuest };
    return seen;
  }

  seen(askGuest: boolean): Promise<GuestObservation> {
    const { lastSeen } = this;
    if (lastSeen && (lastSeen.askedGuest || !askGuest)) return Promise.resolve(lastSeen.seen);
    return this.observe(askGuest);
  }

  async sleep(ms: number): Promise<void> {
    this.lastSeen = null;
    await this.clock
      .sleep(ms, AbortSignal.any([this.ends.lease.signal, this.ends.draining]))
      .catch((error: unknown) => {
        throw error instanceof LeaseLostError ? error : new LeaseLostError(String(error));
      });
    if (this.mayTurn && this.ends.lease.cancelRequested) throw new CancelledError('cancelled while waiting');
  }

  async askEngine(withinMs: number): Promise<EngineMachine | null | undefined> {
    const { lease, draining } = this.ends;
    lease.signal.throwIfAborted();
    draining.throwIfAborted();
    return this.reach.engines?.machine(this.hostRef, this.instance.id, withinMs);
  }

  warn(sentence: string): void {
    if (!this.warnings.includes(sentence)) this.warnings.push(sentence);
  }

  confirmed(by: ConfirmedBy): void {
    if (this.confirmation !== 'hypervisor') this.confirmation = by;
  }
}
