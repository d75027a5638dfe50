import type { FastifyReply, FastifyRequest } from 'fastify';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What this process tells Prometheus. Labels are few and fixed: a route is its pattern, never a URL. */
export class Metrics {
  readonly registry = new Registry();
  private readonly duration = new Histogram({
    name: 'bellows_http_request_duration_seconds',
    help: 'From the request line to the end of the answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [this.registry],
  });
  private readonly refusals = new Counter({
    name: 'bellows_refusals_total',
    help: 'Requests refused, by the code of the problem.',
    labelNames: ['code'],
    registers: [this.registry],
  });
  private readonly operations = new Counter({
    name: 'bellows_operations_accepted_total',
    help: 'Operations this process has accepted.',
    labelNames: ['route'],
    registers: [this.registry],
  });

  constructor() {
    // Event-loop lag, memory, garbage collection, handles.
    collectDefaultMetrics({ register: this.registry });
  }

  /** Read when Prometheus asks; a value that cannot be read is left out. */
  gauge(name: string, help: string, read: () => Promise<number | null>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        this.reset();
        const value = await read().catch(() => null);
        if (value !== null) this.set(value);
        else this.remove();
      },
    });
  }

  observe(request: FastifyRequest, reply: FastifyReply): void {
    const route = request.routeOptions.url ?? 'none';
    const status = String(reply.statusCode);
    this.duration.labels(request.method, route, status).observe(reply.elapsedTime / 1000);
    if (reply.problemCode !== null) this.refusals.labels(reply.problemCode).inc();
    if (reply.operationId !== null) this.operations.labels(route).inc();
  }
}
