import type { Socket } from 'node:net';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

/** What the gateway tells Prometheus. Nothing a guest said becomes a label. */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly #open = new Map<Socket, { read: number; written: number }>();
  readonly #refused = new Counter({
    name: 'bellows_gateway_refused_total',
    help: 'Exchanges that were refused or failed, by the code of the problem.',
    labelNames: ['code'],
    registers: [this.registry],
  });
  readonly #bytes: Counter<'direction'>;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    const open = this.#open;
    new Gauge({
      name: 'bellows_gateway_exchanges_open',
      help: 'Exchanges with container engines that are under way.',
      registers: [this.registry],
      collect() {
        this.set(open.size);
      },
    });
    this.#bytes = new Counter({
      name: 'bellows_gateway_bytes_total',
      help: 'Bytes carried, heads included: up is to the guest, down is from it.',
      labelNames: ['direction'],
      registers: [this.registry],
      collect: () => {
        for (const [socket] of open) this.#count(socket);
      },
    });
  }

  refused(code: string): void {
    this.#refused.labels(code).inc();
  }

  /** @returns to be called when the exchange is over. */
  opened(socket: Socket): () => void {
    this.#open.set(socket, { read: socket.bytesRead, written: socket.bytesWritten });
    return () => {
      this.#count(socket);
      this.#open.delete(socket);
    };
  }

  #count(socket: Socket): void {
    const seen = this.#open.get(socket);
    if (!seen) return;
    this.#bytes.labels('up').inc(Math.max(0, socket.bytesRead - seen.read));
    this.#bytes.labels('down').inc(Math.max(0, socket.bytesWritten - seen.written));
    this.#open.set(socket, { read: socket.bytesRead, written: socket.bytesWritten });
  }
}
