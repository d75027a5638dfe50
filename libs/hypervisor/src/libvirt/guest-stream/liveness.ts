/** After that many pings that nothing answered the guest is taken for dead. */
const patience = 2;
/** Heard of this lately, it need not be asked. */
const freshMs = 2_000;

/** Whether the guest still answers: asked when nothing has been heard of it for a while. Any frame is an answer. */
export class Liveness {
  private timer: NodeJS.Timeout | undefined;
  private heardAt = 0;
  private heardSinceTick = true;
  private unanswered = 0;
  private asked = 0n;
  private answered = 0n;
  private readonly waiting = new Set<(alive: boolean) => void>();

  constructor(
    private readonly intervalMs: number,
    private readonly ask: (payload: Buffer) => void,
    private readonly dead: () => void,
  ) {}

  start(): void {
    this.heard();
    this.timer = setInterval(() => this.tick(), this.intervalMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.tell(false);
  }

  heard(): void {
    this.heardAt = performance.now();
    this.heardSinceTick = true;
    this.unanswered = 0;
    if (this.waiting.size > 0) this.tell(true);
  }

  /** @returns false for an answer to what was not asked */
  pong(payload: Buffer): boolean {
    const number = payload.readBigUInt64BE(0);
    if (number <= this.answered || number > this.asked) return false;
    this.answered = number;
    return true;
  }

  /** True at once when it was heard of lately, else when it answers in time. */
  async confirm(timeoutMs: number): Promise<boolean> {
    if (performance.now() - this.heardAt < freshMs) return true;
    if (this.waiting.size === 0) this.ping();
    return new Promise((resolve) => {
      const settle = (alive: boolean): void => {
        clearTimeout(late);
        this.waiting.delete(settle);
        resolve(alive);
      };
      const late = setTimeout(() => settle(false), timeoutMs);
      this.waiting.add(settle);
    });
  }

  private tick(): void {
    const silent = !this.heardSinceTick;
    this.heardSinceTick = false;
    if (!silent) return;
    if (this.unanswered >= patience) return this.dead();
    this.unanswered += 1;
    this.ping();
  }

  private ping(): void {
    const payload = Buffer.alloc(8);
    payload.writeBigUInt64BE((this.asked += 1n), 0);
    this.ask(payload);
  }

  private tell(alive: boolean): void {
    for (const settle of [...this.waiting]) settle(alive);
  }
}
