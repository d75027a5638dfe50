import type { Domain, StorageVol } from '../types.js';
import { nothing, uint64Number } from '../xdr/codec.js';
import { connectProcedures, sessionProcedures } from './connect-procedures.js';
import {
  domainDeviceProcedures,
  domainLifecycleProcedures,
  domainResourceProcedures,
} from './domain-procedures.js';
import * as h from './handles.js';
import { proc } from './procedure.js';
import { storagePoolProcedures, storageVolProcedures } from './storage-procedures.js';

/**
 * The procedures that are one call and one answer: every row is a method of Connection.
 * A row states number, signature, codecs; the compiler holds the three against each other.
 */
export const callTable = {
  ...connectProcedures,
  ...domainLifecycleProcedures,
  ...domainResourceProcedures,
  ...domainDeviceProcedures,
  ...storagePoolProcedures,
  ...storageVolProcedures,
} as const;

/** The procedures that open a stream, and which way its bytes go. */
export const streamTable = {
  domainOpenConsole: {
    ...proc<(dom: Domain, devName?: string | null, flags?: number) => void>(
      201,
      [h.domain, h.textOrNull, h.flags],
      nothing,
    ),
    direction: 'both',
  },
  domainOpenChannel: {
    ...proc<(dom: Domain, name?: string | null, flags?: number) => void>(
      296,
      [h.domain, h.textOrNull, h.flags],
      nothing,
    ),
    direction: 'both',
  },
  storageVolUpload: {
    ...proc<(vol: StorageVol, offsetBytes: number, lengthBytes: number, flags?: number) => void>(
      208,
      [h.storageVol, uint64Number, uint64Number, h.flags],
      nothing,
    ),
    direction: 'write',
  },
  storageVolDownload: {
    ...proc<(vol: StorageVol, offsetBytes: number, lengthBytes: number, flags?: number) => void>(
      209,
      [h.storageVol, uint64Number, uint64Number, h.flags],
      nothing,
    ),
    direction: 'read',
  },
} as const;

/** All procedures in use, by name. */
export const procedureTable = { ...sessionProcedures, ...callTable, ...streamTable } as const;

export type CallName = keyof typeof callTable;
export type StreamName = keyof typeof streamTable;
export type ProcedureName = keyof typeof procedureTable;
