import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { badRequest, failure } from '../docker-error.js';
import { limits } from '../limits.js';
import type { FileNode } from './node.js';

export interface TarEntry {
  /** As written in the archive; may be hostile. */
  readonly path: string;
  readonly node: FileNode;
  /** For a hard link: the path in the archive it is another name of. */
  readonly hardLink: string | null;
}

const block = 512;
/** PATH_MAX of Linux. */
const longestPath = 4096;

/** Plain or gzip; @throws DockerError for what is too large or not an archive. */
export async function unpacked(data: Buffer): Promise<Buffer> {
  if (data[0] !== 0x1f || data[1] !== 0x8b) return data;
  try {
    return await promisify(gunzip)(data, { maxOutputLength: limits.archiveBytes });
  } catch (error) {
    throw failure(`Error processing tar file: ${(error as Error).message}`);
  }
}

/** Entries of a tar (ustar, GNU long names, pax paths). Kinds without a model (devices, fifos) are left out. */
export function* readTar(data: Buffer): Generator<TarEntry> {
  let at = 0;
  let overrides: Record<string, string> = {};
  while (at + block <= data.length) {
    const header = data.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header);
    const type = String.fromCharCode(header[156]!);
    const size = Number(overrides['size'] ?? octal(header, 124, 12));
    if (!Number.isSafeInteger(size) || size < 0 || at + block + size > data.length)
      throw failure('Error processing tar file(exit status 1): unexpected EOF');
    const body = data.subarray(at + block, at + block + size);
    at += block + Math.ceil(size / block) * block;
    if (type === 'x') overrides = { ...overrides, ...paxRecords(body) };
    else if (type === 'L') overrides = { ...overrides, path: text(body, 0, body.length) };
    else if (type === 'K') overrides = { ...overrides, linkpath: text(body, 0, body.length) };
    else if (type !== 'g') {
      const entry = entryOf(header, type, body, overrides);
      overrides = {};
      if (entry) yield entry;
    }
  }
}

export function entryOf(
  header: Buffer,
  type: string,
  body: Buffer,
  overrides: Record<string, string>,
): TarEntry | null {
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? text(header, 345, 155) : '';
  const short = text(header, 0, 100);
  const path = overrides['path'] ?? (prefix ? `${prefix}/${short}` : short);
  const target = overrides['linkpath'] ?? text(header, 157, 100);
  if (path.length > longestPath || target.length > longestPath) throw failure('file name too long');
  const meta = {
    mode: octal(header, 100, 8) & 0o7777,
    uid: Number(overrides['uid'] ?? octal(header, 108, 8)),
    gid: Number(overrides['gid'] ?? octal(header, 116, 8)),
    mtime: Math.round(Number(overrides['mtime'] ?? octal(header, 136, 12)) * 1000),
  };
  switch (type) {
    case '0':
    case '\0':
    case '7':
      if (path.endsWith('/')) return { path, node: { kind: 'dir', ...meta }, hardLink: null };
      // A copy: the archive's buffer must not live as long as a small file of it.
      return { path, node: { kind: 'file', data: Buffer.from(body), ...meta }, hardLink: null };
    case '1':
      return { path, node: { kind: 'file', data: Buffer.alloc(0), ...meta }, hardLink: target };
    case '2':
      return { path, node: { kind: 'link', target, ...meta }, hardLink: null };
    case '5':
      return { path, node: { kind: 'dir', ...meta }, hardLink: null };
    default:
      return null;
  }
}

export function paxRecords(body: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const length = Number.parseInt(body.toString('latin1', at, space), 10);
    if (space < 0 || !(length > 0)) break;
    const [key = '', ...value] = body.toString('utf8', space + 1, at + length - 1).split('=');
    records[key] = value.join('=');
    at += length;
  }
  return records;
}

export function checkSum(header: Buffer): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < block; i++) if (i < 148 || i >= 156) sum += header[i]!;
  if (sum !== octal(header, 148, 8)) throw badRequest('archive/tar: invalid tar header');
}

export const text = (buffer: Buffer, start: number, length: number): string => {
  const end = buffer.indexOf(0, start);
  return buffer.toString('utf8', start, end < 0 || end > start + length ? start + length : end);
};

export function octal(buffer: Buffer, start: number, length: number): number {
  // GNU writes what octal digits cannot hold as a big-endian number with the top bit set.
  if (buffer[start]! & 0x80) {
    let value = 0;
    for (let i = start + 1; i < start + length; i++) value = value * 256 + buffer[i]!;
    return value;
  }
  const digits = text(buffer, start, length).trim();
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}
