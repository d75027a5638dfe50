import { startPostgres, type RunningPostgres } from '@bellows/postgres/start-postgres';

const lookEveryMs = 2_000;

/** The embedded PostgreSQL, started again on the same port when it is gone. */
export class EmbeddedDatabase {
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  private constructor(
    private readonly folder: string,
    private running: RunningPostgres,
    private readonly say: (text: string) => void,
  ) {}

  static async start(folder: string, say: (text: string) => void): Promise<EmbeddedDatabase> {
    const database = new EmbeddedDatabase(folder, await startPostgres({ dataDir: folder }), say);
    database.#watch();
    return database;
  }

  get url(): string {
    return this.running.url;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.running.stop();
  }

  #watch(): void {
    this.#timer = setTimeout(() => void this.#look(), lookEveryMs);
  }

  async #look(): Promise<void> {
    if (!alive(this.running.pid)) {
      this.say('PostgreSQL ended; starting it again');
      try {
        await this.running.stop(); // gives the folder back
        this.running = await startPostgres({ dataDir: this.folder, port: this.running.port });
        if (this.#stopped) await this.running.stop();
        else this.say('PostgreSQL runs again');
      } catch (error) {
        this.say(`PostgreSQL does not start: ${String(error)}`);
      }
    }
    if (!this.#stopped) this.#watch();
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
