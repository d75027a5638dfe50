import type { TypedParams, TypedValue } from '../types.js';
import type { Codec } from '../xdr/codec.js';
import { XdrError, type XdrReader } from '../xdr/reader.js';
import type { XdrWriter } from '../xdr/writer.js';
import { Limits } from './limits.js';

/** virTypedParameterType. */
export const TypedParamType = {
  INT: 1,
  UINT: 2,
  LLONG: 3,
  ULLONG: 4,
  DOUBLE: 5,
  BOOLEAN: 6,
  STRING: 7,
} as const;

/** The least a parameter takes: an empty name, its type, a 32-bit value. */
const MIN_PARAM_BYTES = 12;

/** Parameters of any name, as libvirt answers them: 64-bit values stay bigint. */
export const typedParams = (max: number): Codec<TypedParams> => ({
  write: (w, params) => {
    const entries = Object.entries(params);
    if (entries.length > max) throw new XdrError(`${entries.length} parameters are over the limit of ${max}`);
    w.uint32(entries.length);
    for (const [name, value] of entries) {
      w.string(name, Limits.stringBytes);
      writeUntyped(w, value);
    }
  },
  read: (r) => {
    const params: TypedParams = {};
    for (let left = r.count(max, MIN_PARAM_BYTES); left > 0; left--) {
      const name = r.string(Limits.stringBytes);
      set(params, name, readValue(r));
    }
    return params;
  },
});

type FieldType = 'llong' | 'ullong' | 'string';
type FieldValue<T extends FieldType> = T extends 'string' ? string : number;

/** Parameters of known names and types; all may be left out. 64-bit ones are numbers, rounded above 2^53. */
export const knownParams = <F extends Record<string, FieldType>>(
  fields: F,
  max: number,
): Codec<{ [K in keyof F]?: FieldValue<F[K]> }> => ({
  write: (w, params) => {
    const entries = Object.entries(params).filter(([, value]) => value !== undefined);
    if (entries.length > max) throw new XdrError(`${entries.length} parameters are over the limit of ${max}`);
    w.uint32(entries.length);
    for (const [name, value] of entries) {
      w.string(name, Limits.stringBytes);
      writeKnown(w, name, fields[name], value as string | number);
    }
  },
  read: (r) => {
    const params: Record<string, TypedValue> = {};
    for (let left = r.count(max, MIN_PARAM_BYTES); left > 0; left--) {
      const name = r.string(Limits.stringBytes);
      const value = readValue(r);
      set(params, name, typeof value === 'bigint' ? Number(value) : value);
    }
    return params as { [K in keyof F]?: FieldValue<F[K]> };
  },
});

const writeKnown = (
  w: XdrWriter,
  name: string,
  type: FieldType | undefined,
  value: string | number,
): void => {
  if (type === 'string' && typeof value === 'string') {
    w.int32(TypedParamType.STRING);
    w.string(value, Limits.stringBytes);
  } else if (type === 'llong' && Number.isSafeInteger(value)) {
    w.int32(TypedParamType.LLONG);
    w.int64(BigInt(value));
  } else if (type === 'ullong' && Number.isSafeInteger(value)) {
    w.int32(TypedParamType.ULLONG);
    w.uint64(BigInt(value));
  } else {
    throw new XdrError(type ? `${name}: ${value} is not a safe ${type}` : `no parameter is called ${name}`);
  }
};

const writeUntyped = (w: XdrWriter, value: TypedValue): void => {
  if (typeof value === 'bigint') {
    w.int32(value < 0n ? TypedParamType.LLONG : TypedParamType.ULLONG);
    if (value < 0n) w.int64(value);
    else w.uint64(value);
  } else if (typeof value === 'boolean') {
    w.int32(TypedParamType.BOOLEAN);
    w.int32(value ? 1 : 0);
  } else if (typeof value === 'string') {
    w.int32(TypedParamType.STRING);
    w.string(value, Limits.stringBytes);
  } else if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
    w.int32(TypedParamType.INT);
    w.int32(value);
  } else {
    w.int32(TypedParamType.DOUBLE);
    w.double(value);
  }
};

const readValue = (r: XdrReader): TypedValue => {
  const type = r.int32();
  switch (type) {
    case TypedParamType.INT:
      return r.int32();
    case TypedParamType.UINT:
      return r.uint32();
    case TypedParamType.LLONG:
      return r.int64();
    case TypedParamType.ULLONG:
      return r.uint64();
    case TypedParamType.DOUBLE:
      return r.double();
    case TypedParamType.BOOLEAN:
      return r.int32() !== 0;
    case TypedParamType.STRING:
      return r.string(Limits.stringBytes);
    default:
      throw new XdrError(`typed parameter of unknown type ${type}`);
  }
};

/** Names come from the other side: `__proto__` must become a key, not a prototype. */
const set = (params: TypedParams, name: string, value: TypedValue): void => {
  Object.defineProperty(params, name, { value, enumerable: true, writable: true, configurable: true });
};
