/** How far each backing store is written; only the value that ends there may grow in place. */
const written = new WeakMap<ArrayBufferLike, number>();

/** The two together, without copying the first each time: what is appended to has room behind it. */
export function appended(before: Buffer, data: Buffer): Buffer {
  const { buffer, byteOffset, length } = before;
  const end = byteOffset + length;
  const size = length + data.length;
  if (written.get(buffer) === end && buffer.byteLength - end >= data.length) {
    data.copy(Buffer.from(buffer, end, data.length));
    written.set(buffer, end + data.length);
    return Buffer.from(buffer, byteOffset, size);
  }
  const roomy = new ArrayBuffer(Math.max(256, size + Math.floor(size / 2)));
  const both = Buffer.from(roomy, 0, size);
  before.copy(both);
  data.copy(both, length);
  written.set(roomy, size);
  return both;
}
