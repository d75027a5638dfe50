import { writeSync } from 'node:fs';
import { mkdir, open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { appendable, CorruptJournalError, encodeRecord, recoverRecords, syncFolder } from './journal-file.js';

/** What a journal holds: a change is whole, and a later one of the same key replaces it. */
export interface Journalled<Change> {
  keyOf(change: Change): string;
  restore(change: Change): void;
  /** The present state as changes, for a snapshot. */
  everything(): Iterable<Change>;
}

export interface JournalOptions {
  readonly folder: string;
  /** Whether a commit waits for fdatasync. */
  readonly sync: boolean;
  /** A snapshot is made when the journal has grown past this, and past the last snapshot. */
  readonly compactAfterBytes?: number;
  /** Told when a write has failed: nothing can be acknowledged any more. */
  readonly onFailure: (error: Error) => void;
}

const chunkOfChanges = 500;

/**
 * Durable state: `snapshot-N.log` and the `journal-M.log`s with M ≥ N that came after it. Changes gather while a
 * write is under way and go out together as one record, so that one fdatasync serves all who wait.
 */
export class Journal<Change> {
  private pending = new Map<string, Change>();
  private waiting: (() => void)[] = [];
  private writing: Promise<void> | null = null;
  private compacting: Promise<void> | null = null;
  private file: FileHandle | null = null;
  private generation = 0;
  private bytes = 0;
  private snapshotBytes = 0;
  private failed = false;
  private closing = false;

  constructor(
    private readonly state: Journalled<Change>,
    private readonly options: JournalOptions,
  ) {}

  /** Restores what was acknowledged, then opens for appending. */
  async recover(): Promise<void> {
    const { folder } = this.options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const names = await readdir(folder);
    const snapshots = generationsOf(names, 'snapshot');
    const newest = snapshots.at(-1);
    const restoreAll = (value: unknown) => {
      for (const change of value as Change[]) this.state.restore(change);
    };
    if (newest !== undefined) {
      const path = this.path('snapshot', newest);
      const { bytes, torn } = await recoverRecords(path, restoreAll);
      if (torn) throw new CorruptJournalError(`${path} is not whole`);
      this.snapshotBytes = bytes;
    }
    const journals = generationsOf(names, 'journal').filter((generation) => generation >= (newest ?? 0));
    for (const generation of journals) {
      this.bytes += (await recoverRecords(this.path('journal', generation), restoreAll)).bytes;
    }
    this.generation = journals.at(-1) ?? newest ?? 0;
    this.file = await appendable(this.path('journal', this.generation));
    await syncFolder(folder);
  }

  append(change: Change): void {
    const key = this.state.keyOf(change);
    // Moved to the end: a change may depend on those that were made before it.
    this.pending.delete(key);
    this.pending.set(key, change);
    if (!this.writing && !this.closing) this.writing = this.write();
  }

  /** Resolves when all that was appended until now is durable; at once when it is. Never when a write failed. */
  flushed(): Promise<void> | undefined {
    if (!this.writing) return undefined;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async close(): Promise<void> {
    if (!this.failed) await this.flushed();
    this.closing = true;
    await this.compacting;
    await this.file?.close();
    this.file = null;
  }

  private async write(): Promise<void> {
    try {
      // Let the requests that arrived together be one commit.
      await new Promise((resolve) => setImmediate(resolve));
      while (this.pending.size > 0 || this.waiting.length > 0) {
        const changes = [...this.pending.values()];
        const acknowledged = this.waiting;
        this.pending = new Map();
        this.waiting = [];
        if (changes.length > 0) await this.commit(changes);
        for (const done of acknowledged) done();
        if (this.isLarge() && !this.compacting) await this.rotate();
      }
      this.writing = null;
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private async commit(changes: readonly Change[]): Promise<void> {
    const record = encodeRecord(JSON.stringify(changes));
    // Into the page cache at once: a thread's turn would cost more than the copy. Only the disk is waited for.
    const bytes = Buffer.from(record);
    for (let at = 0; at < bytes.length;) at += writeSync(this.file!.fd, bytes, at);
    if (this.options.sync) await this.file!.datasync();
    this.bytes += bytes.length;
  }

  private isLarge(): boolean {
    return this.bytes > Math.max(this.options.compactAfterBytes ?? 64 * 1024 * 1024, this.snapshotBytes);
  }

  /** A new journal for what follows, and, beside it, a snapshot of what was. */
  private async rotate(): Promise<void> {
    const next = this.generation + 1;
    const file = await appendable(this.path('journal', next));
    await syncFolder(this.options.folder);
    await this.file!.close();
    this.file = file;
    this.generation = next;
    this.bytes = 0;
    // Changes are whole, so what is pending may be in both: the snapshot is never behind the old journal.
    const changes = [...this.state.everything()];
    this.compacting = this.snapshot(next, changes)
      .catch((error: unknown) => this.fail(error as Error))
      .finally(() => (this.compacting = null));
  }

  private async snapshot(generation: number, changes: readonly Change[]): Promise<void> {
    const path = this.path('snapshot', generation);
    const file = await open(`${path}.part`, 'w', 0o600);
    let bytes = 0;
    for (let at = 0; at < changes.length; at += chunkOfChanges) {
      const record = encodeRecord(JSON.stringify(changes.slice(at, at + chunkOfChanges)));
      await file.appendFile(record);
      bytes += Buffer.byteLength(record);
    }
    await file.sync();
    await file.close();
    await rename(`${path}.part`, path);
    await syncFolder(this.options.folder);
    this.snapshotBytes = bytes;
    await this.forgetBefore(generation);
  }

  private async forgetBefore(generation: number): Promise<void> {
    const names = await readdir(this.options.folder);
    for (const kind of ['journal', 'snapshot'] as const) {
      for (const old of generationsOf(names, kind)) {
        if (old < generation) await unlink(this.path(kind, old));
      }
    }
  }

  private fail(error: Error): void {
    if (this.failed) return;
    this.failed = true;
    this.options.onFailure(error);
  }

  private path(kind: 'journal' | 'snapshot', generation: number): string {
    return join(this.options.folder, `${kind}-${generation}.log`);
  }
}

function generationsOf(names: readonly string[], kind: string): number[] {
  const pattern = new RegExp(`^${kind}-(\\d+)\\.log$`);
  return names
    .flatMap((name) => pattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
