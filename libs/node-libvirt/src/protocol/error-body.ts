import { LibvirtError } from '../errors.js';
import type { NWFilter } from '../types.js';
import { int32, nullable, struct, type Codec } from '../xdr/codec.js';
import type { XdrReader } from '../xdr/reader.js';
import * as h from './handles.js';

export interface ErrorBody {
  code: number;
  domain: number;
  message: string | null;
  level: number;
  dom: null | { name: string; uuid: string; id: number };
  str1: string | null;
  str2: string | null;
  str3: string | null;
  int1: number;
  int2: number;
  /** A network has the shape of a filter: name and uuid. */
  net: NWFilter | null;
}

const textOrNull = h.textOrNull as Codec<string | null>;

/** virNetMessageError, the body of every reply whose status is ERROR. */
export const errorBody: Codec<ErrorBody> = struct<ErrorBody>({
  code: int32,
  domain: int32,
  message: textOrNull,
  level: int32,
  dom: h.domainOrNull,
  str1: textOrNull,
  str2: textOrNull,
  str3: textOrNull,
  int1: int32,
  int2: int32,
  net: nullable(h.nwfilter),
});

export const readError = (reader: XdrReader, procedure: string): LibvirtError => {
  const { code, domain, level, message } = errorBody.read(reader);
  return new LibvirtError(code, domain, level, message ?? `error ${code}`, procedure);
};
