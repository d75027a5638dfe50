import { failure } from '../docker-error.js';
import { checkSum, entryOf, octal, paxRecords, text, type TarEntry } from '../files/tar-read.js';

const block = 512;
/** A file longer than that is not kept. */
const mostOfFile = 32 * 1024;
/** Long names and pax headers. */
const mostOfHeader = 64 * 1024;
const nothing = Buffer.alloc(0);

/** What stands for a file that is not kept: no shell takes it for a script; a real program stays known as one. */
const stub = (head: Buffer, size: number): Buffer =>
  head.toString('latin1', 0, 4) === '\x7fELF'
    ? Buffer.concat([head.subarray(0, 16), nothing])
    : Buffer.from(`\0[${size} bytes, kept in the registry only]\n`);

/** Reads a tar as it comes, in little memory: files that are too long become stubs. */
export class TarStream {
  /** Bytes of all files. */
  fileBytes = 0;
  private held: Buffer[] = [];
  private heldBytes = 0;
  /** Of the entry that is being read: its body, and what fills its last block. */
  private left = 0;
  private skip = 0;
  private size = 0;
  private header: Buffer | null = null;
  private overrides: Record<string, string> = {};
  private done = false;
  private keptBytes = 0;

  /** @param mostKept bytes of all files together that are kept */
  constructor(
    private readonly onEntry: (entry: TarEntry) => void,
    private readonly mostKept: number,
  ) {}

  /** @throws DockerError for what is not an archive */
  write(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.done) {
      if (this.skip > 0) {
        const step = Math.min(this.skip, rest.length);
        this.skip -= step;
        rest = rest.subarray(step);
      } else rest = this.header ? this.takeBody(rest) : this.takeHeader(rest);
    }
  }

  /** @throws DockerError when it was cut short */
  end(): void {
    if (this.header || this.heldBytes > 0) throw failure('archive/tar: unexpected EOF');
  }

  private takeHeader(chunk: Buffer): Buffer {
    const step = Math.min(block - this.heldBytes, chunk.length);
    this.hold(chunk.subarray(0, step));
    if (this.heldBytes < block) return nothing;
    const header = this.release();
    if (header.every((byte) => byte === 0)) {
      this.done = true;
      return nothing;
    }
    checkSum(header);
    const size = Number(this.overrides['size'] ?? octal(header, 124, 12));
    if (!Number.isSafeInteger(size) || size < 0) throw failure('archive/tar: invalid tar header');
    this.header = header;
    this.size = size;
    this.left = size;
    if (size === 0) this.finish();
    return chunk.subarray(step);
  }

  private takeBody(chunk: Buffer): Buffer {
    const step = Math.min(this.left, chunk.length);
    const isMeta = 'xLKg'.includes(String.fromCharCode(this.header![156]!));
    if (isMeta && this.size > mostOfHeader) throw failure('archive/tar: header field too long');
    const most = isMeta || this.keeps() ? this.size : 16;
    if (this.heldBytes < most) this.hold(chunk.subarray(0, Math.min(step, most - this.heldBytes)));
    this.left -= step;
    if (this.left === 0) this.finish();
    return chunk.subarray(step);
  }

  private keeps(): boolean {
    return this.size <= mostOfFile && this.keptBytes + this.size <= this.mostKept;
  }

  private finish(): void {
    const header = this.header!;
    const isKept = this.keeps();
    const body = this.release();
    this.header = null;
    this.skip = (block - (this.size % block)) % block;
    const type = String.fromCharCode(header[156]!);
    if (type === 'x') this.override(paxRecords(body));
    else if (type === 'L') this.overrides = { ...this.overrides, path: text(body, 0, body.length) };
    else if (type === 'K') this.overrides = { ...this.overrides, linkpath: text(body, 0, body.length) };
    else if (type !== 'g') {
      const entry = entryOf(header, type, isKept ? body : stub(body, this.size), this.overrides);
      this.overrides = {};
      if (entry) this.give(entry, isKept);
    }
  }

  /** Nothing but what is read later: an archive may be all headers. */
  private override(records: Record<string, string>): void {
    for (const key of ['path', 'linkpath', 'size', 'uid', 'gid', 'mtime'])
      if (records[key] !== undefined) this.overrides[key] = records[key];
  }

  private give(entry: TarEntry, isKept: boolean): void {
    const isFile = entry.node.kind === 'file' && entry.hardLink === null;
    if (isFile) this.fileBytes += this.size;
    if (isFile && isKept) this.keptBytes += this.size;
    this.onEntry(entry);
  }

  private hold(part: Buffer): void {
    // A copy: a few bytes must not keep a whole chunk alive.
    this.held.push(Buffer.from(part));
    this.heldBytes += part.length;
  }

  private release(): Buffer {
    const all = Buffer.concat(this.held);
    this.held = [];
    this.heldBytes = 0;
    return all;
  }
}
