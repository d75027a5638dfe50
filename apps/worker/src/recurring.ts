export interface Recurring {
  readonly name: string;
  /** From the end of one round to the start of the next, ± a quarter, so that workers do not march in step. */
  readonly everyMs: number;
  /** True: there is more to do, come again at once. */
  readonly round: () => Promise<boolean | void>;
}

export interface RoundReport {
  took(task: string, ms: number): void;
  failed(task: string, error: unknown): void;
}

/** Runs a task again and again, never over itself. A round that fails is reported and does not end the series. */
export class RecurringTask {
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #round: Promise<void> = Promise.resolve();

  constructor(
    private readonly task: Recurring,
    private readonly report: RoundReport,
    /** 0..1, evenly. */
    private readonly chance: () => number = Math.random,
  ) {}

  start(): void {
    this.#wait(this.task.everyMs * this.chance());
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #wait(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#run();
    }, ms);
  }

  async #run(): Promise<void> {
    const { name, everyMs, round } = this.task;
    const began = performance.now();
    let more: boolean | void = false;
    try {
      more = await round();
    } catch (error) {
      this.report.failed(name, error);
    }
    this.report.took(name, performance.now() - began);
    this.#wait(more ? 0 : everyMs * (0.75 + this.chance() / 2));
  }
}
