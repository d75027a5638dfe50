import { createHash } from 'node:crypto';
import type { Clock } from '@bellows/operations/ports/clock';
import type { Pace } from './shell/pace.js';

/** The modelled size of an instance, as its guest sees it now. */
export interface EngineSize {
  readonly vcpus: number;
  readonly ramMib: number;
}

/** Where a modelled engine lives: its clock, its chance and its machine. */
export interface World {
  readonly clock: Clock;
  readonly hostname: string;
  size(): EngineSize;
  /** Of all engines of this process. */
  readonly pace?: Pace;
  /** 64 hex digits, each time others; the same run of the same seed draws the same. */
  id(): string;
}

/** Ids that depend on the seed and on how many were drawn before, so that a restored engine goes on in its row. */
export class Ids {
  constructor(
    private readonly seed: string,
    private drawnSoFar = 0,
  ) {}

  get drawn(): number {
    return this.drawnSoFar;
  }

  next(): string {
    return sha256(`${this.seed}|${this.drawnSoFar++}`);
  }
}

export const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** RFC 3339 with nanoseconds, as dockerd writes times. */
export const rfc3339Nano = (ms: number): string => new Date(ms).toISOString().replace(/Z$/, '000000Z');

/** What dockerd writes for "never". */
export const zeroTime = '0001-01-01T00:00:00Z';
