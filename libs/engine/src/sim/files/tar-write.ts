import type { FileNode } from './node.js';

const block = 512;

/** One entry as ustar, with a pax header before it where the names need one. The same node gives the same bytes. */
export function tarEntry(path: string, node: FileNode): Buffer {
  const name = node.kind === 'dir' && !path.endsWith('/') ? `${path}/` : path;
  const target = node.kind === 'link' ? node.target : '';
  const records: string[] = [];
  if (Buffer.byteLength(name) > 100) records.push(paxRecord('path', name));
  if (Buffer.byteLength(target) > 100) records.push(paxRecord('linkpath', target));
  const parts: Buffer[] = [];
  if (records.length > 0) {
    const body = Buffer.from(records.join(''));
    parts.push(headerOf('PaxHeaders.0/x', 'x', { ...plain, mtime: 0 }, body.length, ''), padded(body));
  }
  const data = node.kind === 'file' ? node.data : Buffer.alloc(0);
  const type = node.kind === 'file' ? '0' : node.kind === 'dir' ? '5' : '2';
  parts.push(headerOf(name, type, node, data.length, target), padded(data));
  return Buffer.concat(parts);
}

export const tarEnd = Buffer.alloc(2 * block);

/** A whole archive of those entries. */
export const tarOf = (entries: Iterable<readonly [string, FileNode]>): Buffer =>
  Buffer.concat([...[...entries].map(([path, node]) => tarEntry(path, node)), tarEnd]);

export const fileNode = (data: string | Buffer, mode = 0o644, mtime = 0): FileNode => ({
  kind: 'file',
  data: typeof data === 'string' ? Buffer.from(data) : data,
  mode,
  uid: 0,
  gid: 0,
  mtime,
});

const plain = { mode: 0o644, uid: 0, gid: 0 };

function headerOf(
  name: string,
  type: string,
  meta: { mode: number; uid: number; gid: number; mtime: number },
  size: number,
  target: string,
): Buffer {
  const header = Buffer.alloc(block);
  header.write(name, 0, 100);
  number(header, meta.mode, 100, 8);
  number(header, meta.uid, 108, 8);
  number(header, meta.gid, 116, 8);
  number(header, size, 124, 12);
  number(header, Math.max(0, Math.floor(meta.mtime / 1000)), 136, 12);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(target, 157, 100);
  header.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function number(header: Buffer, value: number, at: number, length: number): void {
  const digits = value.toString(8).padStart(length - 1, '0');
  header.write(`${digits.slice(-(length - 1))}\0`, at, 'latin1');
}

function padded(body: Buffer): Buffer {
  const rest = body.length % block;
  return rest === 0 ? body : Buffer.concat([body, Buffer.alloc(block - rest)]);
}

function paxRecord(key: string, value: string): string {
  const tail = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(tail);
  // The length counts its own digits.
  while (String(length).length + Buffer.byteLength(tail) !== length)
    length = String(length).length + Buffer.byteLength(tail);
  return `${length}${tail}`;
}
