/** How a dead peer is noticed. As libvirt has it: a ping after each silent interval, `count` of them, then it is dead. */
export interface KeepAliveOptions {
  /** 5,000 by default. */
  intervalMs?: number;
  /** 5 by default. */
  count?: number;
}

/** Counts silence. Any byte from the other side is a sign of life. */
export class KeepAlive {
  private timer: NodeJS.Timeout | undefined;
  private unanswered = 0;
  private heard = false;

  constructor(
    private readonly intervalMs: number,
    private readonly count: number,
    private readonly ping: () => void,
    private readonly dead: () => void,
  ) {}

  /** Begins anew when it has been stopped. */
  start(): void {
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), this.intervalMs);
    this.timer.unref();
  }

  heardFromPeer(): void {
    this.heard = true;
    this.unanswered = 0;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const silent = !this.heard;
    this.heard = false;
    if (!silent) return;
    if (this.unanswered >= this.count) return this.dead();
    this.unanswered += 1;
    this.ping();
  }
}
