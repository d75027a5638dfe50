import pg from 'pg';
import type { OperationId } from '@bellows/domain/ids';
import { endedChannel } from './changes/operation.js';

const firstPauseMs = 100;
const longestPauseMs = 5_000;

/**
 * LISTENs on a connection of its own, opened at the first listener and opened again when it breaks. What ends
 * while it is broken is not told: callers keep polling too.
 */
export class EndedListener {
  private readonly listeners = new Set<(id: OperationId) => void>();
  private client: pg.Client | null = null;
  private retry: NodeJS.Timeout | null = null;
  private pauseMs = firstPauseMs;
  private closed = false;

  constructor(private readonly url: string) {}

  add(listener: (id: OperationId) => void): () => void {
    this.listeners.add(listener);
    if (!this.client && !this.retry) void this.connect();
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.retry) clearTimeout(this.retry);
    const { client } = this;
    this.client = null;
    await client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.url,
      application_name: 'bellows-listen',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    });
    this.client = client;
    const lost = () => this.again(client);
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload }) => {
      for (const listener of this.listeners) listener(payload as OperationId);
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${endedChannel}`);
      this.pauseMs = firstPauseMs;
    } catch {
      lost();
    }
  }

  private again(client: pg.Client): void {
    if (this.client !== client) return;
    this.client = null;
    client.end().catch(() => undefined);
    if (this.closed) return;
    this.retry = setTimeout(() => {
      this.retry = null;
      if (this.listeners.size > 0) void this.connect();
    }, this.pauseMs);
    this.retry.unref();
    this.pauseMs = Math.min(this.pauseMs * 2, longestPauseMs);
  }
}
