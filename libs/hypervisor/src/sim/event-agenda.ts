import type { InstanceId } from '@bellows/domain/ids';
import type { Clock } from '@bellows/operations/ports/clock';
import type { GuestEvent } from '@bellows/operations/ports/host-driver';
import { eventsOf, stillHolds, type DatedEvent } from './guest-events.js';
import type { SimFleet } from './sim-fleet.js';

interface Due extends DatedEvent {
  readonly host: string;
  readonly id: string;
}

export type FleetListener = (host: string, event: GuestEvent) => void;

/**
 * Tells watchers of events when their time has come. One heap and one sleep for the whole fleet, and none while
 * nobody watches.
 */
export class EventAgenda {
  private readonly listeners = new Set<FleetListener>();
  private readonly heap: Due[] = [];
  private wake: AbortController | null = null;

  constructor(
    private readonly fleet: () => SimFleet,
    private readonly clock: Clock,
  ) {}

  /** Hand this to `SimFleetOptions.onEvents`. */
  readonly add = (host: string, id: string, events: readonly DatedEvent[]): void => {
    if (this.listeners.size === 0) return;
    const now = this.clock.now();
    for (const event of events) {
      if (event.at > now) this.push({ ...event, host, id });
      else this.tell({ ...event, host, id });
    }
    this.wake?.abort();
    void this.run();
  };

  watch(listener: FleetListener): () => void {
    this.listeners.add(listener);
    if (this.listeners.size === 1) this.foresee();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      this.heap.length = 0;
      this.wake?.abort();
    };
  }

  private foresee(): void {
    const now = this.clock.now();
    for (const change of this.fleet().everything()) {
      if (change.kind !== 'guest') continue;
      for (const event of eventsOf(change.guest)) {
        if (event.at > now) this.push({ ...event, host: change.host, id: change.id });
      }
    }
    void this.run();
  }

  private async run(): Promise<void> {
    const wake = new AbortController();
    this.wake = wake;
    while (!wake.signal.aborted) {
      this.tellDue();
      const next = this.heap[0];
      if (!next) return;
      await this.clock.sleep(Math.max(1, next.at - this.clock.now()), wake.signal).catch(() => undefined);
    }
  }

  private tellDue(): void {
    const now = this.clock.now();
    while (this.heap[0] && this.heap[0].at <= now) {
      const due = this.pop();
      if (stillHolds(this.fleet().guest(due.host, due.id), due)) this.tell(due);
    }
  }

  private tell({ host, id, kind }: Due): void {
    if (kind === 'agent-connected' && this.fleet().agentIsSilent(id)) return;
    for (const listener of this.listeners) listener(host, { instanceId: id as InstanceId, kind });
  }

  private push(due: Due): void {
    const heap = this.heap;
    let i = heap.push(due) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.at <= due.at) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = due;
  }

  private pop(): Due {
    const heap = this.heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
