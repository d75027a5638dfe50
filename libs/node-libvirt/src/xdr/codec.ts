import { XdrError, type XdrReader } from './reader.js';
import type { XdrWriter } from './writer.js';

/** Both directions of one XDR type, as a value that can be composed. */
export interface Codec<T> {
  write(writer: XdrWriter, value: T): void;
  read(reader: XdrReader): T;
}

export type Decoded<C> = C extends Codec<infer T> ? T : never;

export const nothing: Codec<void> = { write: () => undefined, read: () => undefined };

export const int32: Codec<number> = { write: (w, v) => w.int32(v), read: (r) => r.int32() };

export const uint32: Codec<number> = { write: (w, v) => w.uint32(v), read: (r) => r.uint32() };

export const int64: Codec<bigint> = { write: (w, v) => w.int64(v), read: (r) => r.int64() };

export const uint64: Codec<bigint> = { write: (w, v) => w.uint64(v), read: (r) => r.uint64() };

/** `unsigned hyper` as a number: exact up to 2^53 - 1, rounded above. For sizes, which stay far below. */
export const uint64Number: Codec<number> = {
  write: (w, v) => w.uint64(toBigInt(v)),
  read: (r) => Number(r.uint64()),
};

/** `hyper` as a number, with the same reach. */
export const int64Number: Codec<number> = {
  write: (w, v) => w.int64(toBigInt(v)),
  read: (r) => Number(r.int64()),
};

export const double: Codec<number> = { write: (w, v) => w.double(v), read: (r) => r.double() };

/** libvirt sends booleans as `int`; anything but 0 is true. */
export const boolean: Codec<boolean> = { write: (w, v) => w.int32(v ? 1 : 0), read: (r) => r.int32() !== 0 };

export const string = (maxBytes: number): Codec<string> => ({
  write: (w, v) => w.string(v, maxBytes),
  read: (r) => r.string(maxBytes),
});

export const opaque = (maxBytes: number): Codec<Buffer> => ({
  write: (w, v) => w.opaque(v, maxBytes),
  read: (r) => r.opaque(maxBytes),
});

/** XDR's `T *`: a flag word, then the value if there is one. `undefined` is written as absent. */
export const nullable = <T>(inner: Codec<T>): Codec<T | null> => ({
  write: (w, v: T | null | undefined) => {
    w.uint32(v === null || v === undefined ? 0 : 1);
    if (v !== null && v !== undefined) inner.write(w, v);
  },
  read: (r) => {
    const present = r.uint32();
    if (present > 1) throw new XdrError(`${present} is neither absent nor present`);
    return present === 1 ? inner.read(r) : null;
  },
});

/** A value that may be left out, with what is then sent. */
export const optional = <T>(inner: Codec<T>, absent: T): Codec<T | undefined> => ({
  write: (w, v) => inner.write(w, v ?? absent),
  read: (r) => inner.read(r),
});

/** @param minElementBytes the least an element takes, so that a false count is refused before the loop */
export const array = <T>(inner: Codec<T>, max: number, minElementBytes = 4): Codec<T[]> => ({
  write: (w, values) => {
    if (values.length > max) throw new XdrError(`array of ${values.length} is over the limit of ${max}`);
    w.uint32(values.length);
    for (const value of values) inner.write(w, value);
  },
  read: (r) => {
    const count = r.count(max, minElementBytes);
    const values: T[] = [];
    for (let i = 0; i < count; i++) values.push(inner.read(r));
    return values;
  },
});

/** Fields in the order they are given. */
export const struct = <T extends object>(fields: { [K in keyof T]-?: Codec<T[K]> }): Codec<T> => {
  const entries = Object.entries(fields) as [keyof T, Codec<T[keyof T]>][];
  return {
    write: (w, value) => {
      for (const [name, codec] of entries) codec.write(w, value[name]);
    },
    read: (r) => {
      const value = {} as T;
      for (const [name, codec] of entries) value[name] = codec.read(r);
      return value;
    },
  };
};

/** The same bytes under another type. */
export const mapped = <Wire, T>(
  inner: Codec<Wire>,
  decode: (wire: Wire) => T,
  encode: (value: T) => Wire,
): Codec<T> => ({
  write: (w, v) => inner.write(w, encode(v)),
  read: (r) => decode(inner.read(r)),
});

/** A word the caller need not know about, written before the value. */
export const preceded = <W, T>(constant: Codec<W>, value: W, inner: Codec<T>): Codec<T> => ({
  write: (w, v) => {
    constant.write(w, value);
    inner.write(w, v);
  },
  read: (r) => {
    constant.read(r);
    return inner.read(r);
  },
});

/** A value followed by one that repeats what is known, such as the count of the array before it. */
export const followed = <T, W>(inner: Codec<T>, trailer: Codec<W>, of: (value: T) => W): Codec<T> => ({
  write: (w, v) => {
    inner.write(w, v);
    trailer.write(w, of(v));
  },
  read: (r) => {
    const value = inner.read(r);
    trailer.read(r);
    return value;
  },
});

const toBigInt = (value: number | bigint): bigint => {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new XdrError(`${value} is not a safe integer`);
  }
  return BigInt(value);
};
