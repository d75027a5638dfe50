import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';

const mostBytes = 20 * 1024 * 1024;
const loudLevel = 40; // pino: warn
const lookEveryMs = 50;
const chunkBytes = 64 * 1024;

/**
 * A child's output. The child writes into the file itself, so that it never meets a broken pipe (on which pino's
 * synchronous writer waits for ever) and its last words are kept when the supervisor is gone; we read along.
 */
export class ChildLog {
  readonly fd: number;
  #offset: number;
  #rest = Buffer.alloc(0);
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly path: string,
    private readonly onLine: (line: string) => void,
  ) {
    // Appending: after the file was cut, the child's next line is its first.
    this.fd = openSync(path, 'a+', 0o600);
    this.#offset = fstatSync(this.fd).size;
    this.#timer = setInterval(() => this.look(), lookEveryMs);
  }

  /** Reads what has been written since. */
  look(): void {
    const chunk = Buffer.alloc(chunkBytes);
    for (;;) {
      const count = readSync(this.fd, chunk, 0, chunkBytes, this.#offset);
      if (count === 0) break;
      this.#offset += count;
      this.#take(chunk.subarray(0, count));
    }
    if (this.#offset > mostBytes) this.#cut();
  }

  end(): void {
    clearInterval(this.#timer);
    this.look();
    if (this.#rest.length > 0) this.onLine(this.#rest.toString());
    closeSync(this.fd);
  }

  #take(chunk: Buffer): void {
    const lines = Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = lines.indexOf(10); end >= 0; end = lines.indexOf(10, start)) {
      this.onLine(lines.toString('utf8', start, end));
      start = end + 1;
    }
    this.#rest = lines.subarray(start);
  }

  /** Keeps the last one beside it. What is written between the two calls is lost: it is a log. */
  #cut(): void {
    try {
      copyFileSync(this.path, `${this.path}.1`);
    } catch {
      // A full disk: better to lose the old log than to fill it further.
    }
    ftruncateSync(this.fd, 0);
    this.#offset = 0;
  }
}

interface PinoLine {
  readonly level?: number;
  readonly msg?: string;
  readonly operationId?: string;
  readonly err?: { readonly message?: string };
}

/** A warning or an error as a person reads it; null for what only the file needs. */
export function loudPart(line: string): string | null {
  if (/^\((node:\d+|Use `node)/.test(line)) return null; // Node's own notes to developers
  if (!line.startsWith('{')) return line.trim() || null;
  try {
    const { level, msg, operationId, err } = JSON.parse(line) as PinoLine;
    if (level === undefined || level < loudLevel) return null;
    return [msg, operationId, err?.message].filter(Boolean).join(' · ');
  } catch {
    return line;
  }
}
