/** One bucket a token: it fills at `perSecond`, holds as much, and each request takes one. */
interface Bucket {
  left: number;
  at: number;
}

const mostBuckets = 20_000;

export interface RateVerdict {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until the bucket is full again. */
  readonly resetSeconds: number;
}

/** Holds for one process; several API processes together let through as many times more. */
export class RateLimit {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly perSecond: number,
    private readonly nowMs: () => number,
  ) {}

  get off(): boolean {
    return this.perSecond === 0;
  }

  take(who: string): RateVerdict {
    const now = this.nowMs();
    const bucket = this.buckets.get(who) ?? this.open(who, now);
    bucket.left = Math.min(this.perSecond, bucket.left + ((now - bucket.at) / 1000) * this.perSecond);
    bucket.at = now;
    const allowed = bucket.left >= 1;
    if (allowed) bucket.left -= 1;
    return {
      allowed,
      limit: this.perSecond,
      remaining: Math.floor(bucket.left),
      resetSeconds: Math.ceil((this.perSecond - bucket.left) / this.perSecond),
    };
  }

  private open(who: string, now: number): Bucket {
    // Forgetting everyone at once is a moment of mercy, and bounds the memory.
    if (this.buckets.size >= mostBuckets) this.buckets.clear();
    const bucket = { left: this.perSecond, at: now };
    this.buckets.set(who, bucket);
    return bucket;
  }
}
