import { EventAgenda, type FleetListener } from '@bellows/hypervisor/sim/event-agenda';
import { SimFleet, type Change } from '@bellows/hypervisor/sim/sim-fleet';
import { Journal, type JournalOptions } from './journal.js';
import { realClock } from './real-clock.js';

export interface DurableFleetOptions extends JournalOptions {
  readonly seed: string;
  readonly latencyScale: number;
}

/** A modelled fleet whose every acknowledged change outlives the process. */
export class DurableFleet {
  readonly fleet: SimFleet;
  private readonly journal: Journal<Change>;
  private readonly agenda = new EventAgenda(() => this.fleet, realClock);
  private pruning: NodeJS.Timeout | null = null;

  constructor(options: DurableFleetOptions) {
    const { seed, latencyScale } = options;
    const onChange = (change: Change): void => this.journal.append(change);
    this.fleet = new SimFleet({ seed, latencyScale, onChange, onEvents: this.agenda.add });
    const fleet = this.fleet;
    this.journal = new Journal<Change>(
      {
        keyOf,
        restore: (change) => fleet.restore(change),
        everything: () => {
          fleet.prune(realClock.now());
          return fleet.everything();
        },
      },
      options,
    );
  }

  async start(): Promise<void> {
    await this.journal.recover();
    this.fleet.prune(realClock.now());
    this.pruning = setInterval(() => this.fleet.prune(realClock.now()), 60_000).unref();
  }

  now(): number {
    return realClock.now();
  }

  /** Wait for this before answering anything, reads too: what was seen must not be lost either. */
  durable(): Promise<void> | undefined {
    return this.journal.flushed();
  }

  watch(listener: FleetListener): () => void {
    return this.agenda.watch(listener);
  }

  async stop(): Promise<void> {
    if (this.pruning) clearInterval(this.pruning);
    await this.journal.close();
  }
}

function keyOf(change: Change): string {
  switch (change.kind) {
    case 'guest':
      return `guest ${change.host} ${change.id}`;
    case 'host':
      return `host ${change.host.name}`;
    case 'host-gone':
      return `host ${change.name}`;
    case 'faults':
      return 'faults';
  }
}
