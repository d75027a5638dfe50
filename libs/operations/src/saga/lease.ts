import type { InstanceId, OperationId } from '@bellows/domain/ids';
import type { Clock } from '../ports/clock.js';
import type { Fence } from '../ports/host-driver.js';
import type { EpochMs } from '../ports/rows.js';
import type { LeasedOperation, Store } from '../ports/store.js';
import { LeaseLostError } from './saga.js';

/**
 * A lease fences effects, not only rows: no driver call starts in its last third, and every call's deadline ends
 * a sixth before it. Whoever takes over has waited the lease out, so no late call of ours can follow theirs.
 */
export class Lease {
  private until: EpochMs;
  private readonly lost = new AbortController();
  private renewing: Promise<void> | null = null;
  private timer: NodeJS.Timeout | undefined;
  cancelRequested: boolean;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    readonly leased: LeasedOperation,
    private readonly leaseMs: number,
    private readonly controllerId: string,
    /** This process's clock just before the lease was asked for: the database's clock may differ from it. */
    askedAt: EpochMs,
  ) {
    this.until = askedAt + leaseMs;
    this.cancelRequested = leased.operation.cancelRequested;
    this.timer = setInterval(() => void this.renew(), leaseMs / 4);
    this.timer.unref();
  }

  get id(): OperationId {
    return this.leased.operation.id;
  }

  get token(): number {
    return this.leased.operation.fence;
  }

  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** The right to make one driver call now; renews first when too little of the lease is left. */
  async fence(instanceId: InstanceId, need?: 'whole'): Promise<Fence> {
    const left = (this.until - this.clock.now()) / this.leaseMs;
    if (left <= (need === 'whole' ? 0.9 : 1 / 3)) await this.renew();
    this.lost.signal.throwIfAborted();
    if (this.until - this.clock.now() <= this.leaseMs / 3)
      this.abandon('the lease could not be renewed in time');
    this.lost.signal.throwIfAborted();
    return {
      controllerId: this.controllerId,
      instanceId,
      token: this.token,
      deadline: this.until - Math.floor(this.leaseMs / 6),
    };
  }

  abandon(why: string): void {
    clearInterval(this.timer);
    this.lost.abort(new LeaseLostError(why));
  }

  close(): void {
    clearInterval(this.timer);
  }

  private renew(): Promise<void> {
    this.renewing ??= this.renewOnce().finally(() => (this.renewing = null));
    return this.renewing;
  }

  private async renewOnce(): Promise<void> {
    const askedAt = this.clock.now();
    try {
      const renewed = await this.store.renewLease(this.id, this.token, this.leaseMs);
      if (!renewed) return this.abandon('the lease was lost');
      this.until = askedAt + this.leaseMs;
      this.cancelRequested = renewed.cancelRequested;
    } catch (error) {
      // The store may be back before the lease ends; until then calls start only while enough of it is left.
      if (this.clock.now() >= this.until)
        this.abandon(`the lease ended while the store was away: ${String(error)}`);
    }
  }
}
