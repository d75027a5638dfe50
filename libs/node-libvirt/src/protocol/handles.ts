import type { Domain, NWFilter, StoragePool, StorageVol } from '../types.js';
import {
  array,
  followed,
  int32,
  mapped,
  optional,
  preceded,
  string,
  struct,
  nullable,
  uint32,
  type Codec,
} from '../xdr/codec.js';
import { XdrError } from '../xdr/reader.js';
import { Limits } from './limits.js';

export const text = string(Limits.stringBytes);

/** A string that may be NULL; left out, it is. */
export const textOrNull: Codec<string | null | undefined> = nullable(text);

/** The trailing `flags` of most procedures; left out, 0. */
export const flags = optional(uint32, 0);

export const uuid: Codec<string> = {
  write: (w, v) => w.fixedOpaque(uuidBytes(v)),
  read: (r) => uuidText(r.fixedOpaque(16)),
};

export const domain = struct<Domain>({ name: text, uuid, id: int32 });

export const domainOrNull: Codec<Domain | null> = nullable(domain);

export const storagePool = struct<StoragePool>({ name: text, uuid });

export const storageVol = struct<StorageVol>({ pool: text, name: text, key: text });

export const nwfilter = struct<NWFilter>({ name: text, uuid });

/** The arguments of a listing: "I want the results, not only their number", then the flags. */
export const listFlags: Codec<number | undefined> = preceded(int32, 1, flags);

/** The answer to a listing: the array, then its length once more. */
export const listing = <T>(element: Codec<T>, max: number): Codec<T[]> =>
  followed(array(element, max, 4), uint32, (values) => values.length);

/** A C `char[n]` array, which XDR spreads over n words, cut at its first NUL. */
export const charArray = (length: number): Codec<string> => ({
  write: (w, v) => {
    const bytes = Buffer.from(v, 'utf8');
    for (let i = 0; i < length; i++) w.int32(i < length - 1 ? (bytes[i] ?? 0) : 0);
  },
  read: (r) => {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = r.int32() & 0xff;
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end < 0 ? length : end);
  },
});

/** The other way a number may be left out: with a default of the caller's. */
export const int32Or = (absent: number): Codec<number | undefined> => optional(int32, absent);

/** An answer of one field under a name of its own. */
export const renamed = <T, K extends string>(name: K, inner: Codec<T>): Codec<Record<K, T>> =>
  mapped(
    inner,
    (value) => ({ [name]: value }) as Record<K, T>,
    (value) => value[name],
  );

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

const uuidBytes = (value: string): Buffer => {
  if (!UUID.test(value)) throw new XdrError(`'${value}' is not a UUID`);
  return Buffer.from(value.replaceAll('-', ''), 'hex');
};

const uuidText = (bytes: Buffer): string => {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};
