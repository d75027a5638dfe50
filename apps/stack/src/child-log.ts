import { createWriteStream, existsSync, renameSync, statSync, type WriteStream } from 'node:fs';

const mostBytes = 20 * 1024 * 1024;
const loudLevel = 40; // pino: warn

/** A child's output, line by line: into a file that is kept below a size, and warnings to whoever looks on. */
export class ChildLog {
  #file: WriteStream;
  #size: number;
  #rest = '';

  constructor(
    private readonly path: string,
    private readonly loud: (line: string) => void,
  ) {
    this.#size = existsSync(path) ? statSync(path).size : 0;
    this.#file = this.#open();
  }

  /** @returns the complete lines of this chunk. */
  write(chunk: string): string[] {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#keep(line);
    return lines;
  }

  end(): void {
    if (this.#rest) this.#keep(this.#rest);
    this.#file.end();
  }

  #keep(line: string): void {
    if (this.#size > mostBytes) this.#rotate();
    this.#size += Buffer.byteLength(line) + 1;
    this.#file.write(`${line}\n`);
    const said = loudPart(line);
    if (said) this.loud(said);
  }

  #open(): WriteStream {
    return createWriteStream(this.path, { flags: 'a', mode: 0o600 }).on('error', () => undefined);
  }

  #rotate(): void {
    this.#file.end();
    try {
      renameSync(this.path, `${this.path}.1`);
    } catch {
      return; // the disk decides; the next line tries again
    }
    this.#size = 0;
    this.#file = this.#open();
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
  if (!line.startsWith('{')) return line.trim() || null;
  try {
    const { level, msg, operationId, err } = JSON.parse(line) as PinoLine;
    if (level === undefined || level < loudLevel) return null;
    return [msg, operationId, err?.message].filter(Boolean).join(' · ');
  } catch {
    return line;
  }
}
