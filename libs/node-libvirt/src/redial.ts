import { setTimeout as sleep } from 'node:timers/promises';

export interface ReconnectOptions {
  /** The first pause. 100 by default. */
  minDelayMs?: number;
  /** The longest pause; they double up to it. 10,000 by default. */
  maxDelayMs?: number;
}

/** Tries until it succeeds or the signal fires; then undefined. Pauses are spread, so that clients do not march in step. */
export const redial = async <T>(
  dial: () => Promise<T>,
  { minDelayMs = 100, maxDelayMs = 10_000 }: ReconnectOptions,
  signal: AbortSignal,
): Promise<T | undefined> => {
  for (let delayMs = minDelayMs; ; delayMs = Math.min(delayMs * 2, maxDelayMs)) {
    try {
      await sleep(delayMs * (0.5 + Math.random() / 2), undefined, { signal });
    } catch {
      return undefined;
    }
    try {
      return await dial();
    } catch {
      if (signal.aborted) return undefined;
    }
  }
};
