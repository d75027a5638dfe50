import type { OperationId } from '@bellows/domain/ids';

/**
 * A doorbell, not a store: it may lose rings, repeat them, or be empty after a crash.
 * The sweeper rings again for whatever Postgres says is overdue.
 */
export interface OperationQueue {
  /** Rings for these operations. Ringing twice for one operation is harmless. */
  ring(operations: readonly OperationId[], delayMs?: number): Promise<void>;
  /** How many rings wait; `null` when the backend cannot say now. */
  depth(): Promise<number | null>;
  close(): Promise<void>;
}
