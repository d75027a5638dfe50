import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What a worker tells Prometheus. Labels are few and fixed. */
export class Metrics {
  readonly registry = new Registry();
  /** Rings answered, by what became of them. */
  readonly rings = new Counter({
    name: 'bellows_rings_total',
    help: 'Rings answered: done, not-mine, later, or error.',
    labelNames: ['result'],
    registers: [this.registry],
  });
  readonly running = new Gauge({
    name: 'bellows_operations_running',
    help: 'Operations this worker runs now.',
    registers: [this.registry],
  });
  readonly rounds = new Histogram({
    name: 'bellows_round_duration_seconds',
    help: 'One round of a recurring task.',
    labelNames: ['task'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [this.registry],
  });
  readonly failures = new Counter({
    name: 'bellows_round_failures_total',
    help: 'Rounds of a recurring task that failed.',
    labelNames: ['task'],
    registers: [this.registry],
  });

  constructor() {
    // Event-loop lag, memory, garbage collection, handles.
    collectDefaultMetrics({ register: this.registry });
  }
}
