import type { StoragePool, StoragePoolInfo, StorageVol, StorageVolInfo } from '../types.js';
import { boolean, int32, nothing, struct, uint32, uint64Number } from '../xdr/codec.js';
import * as h from './handles.js';
import { Limits } from './limits.js';
import { proc } from './procedure.js';

const poolInfo = struct<StoragePoolInfo>({
  state: uint32,
  capacityBytes: uint64Number,
  allocationBytes: uint64Number,
  availableBytes: uint64Number,
});

const volInfo = struct<StorageVolInfo>({
  type: int32,
  capacityBytes: uint64Number,
  allocationBytes: uint64Number,
});

export const storagePoolProcedures = {
  storagePoolLookupByName: proc<(name: string) => StoragePool>(84, [h.text], h.storagePool),
  storagePoolDefineXML: proc<(xml: string, flags?: number) => StoragePool>(
    77,
    [h.text, h.flags],
    h.storagePool,
  ),
  /** Starts a transient pool. @param flags of {@link StoragePoolCreate} */
  storagePoolCreateXML: proc<(xml: string, flags?: number) => StoragePool>(
    76,
    [h.text, h.flags],
    h.storagePool,
  ),
  /** Starts a defined pool. @param flags of {@link StoragePoolCreate} */
  storagePoolCreate: proc<(pool: StoragePool, flags?: number) => void>(78, [h.storagePool, h.flags], nothing),
  /** Makes what the pool stands on, such as its folder. @param flags of {@link StoragePoolBuild} */
  storagePoolBuild: proc<(pool: StoragePool, flags?: number) => void>(79, [h.storagePool, h.flags], nothing),
  storagePoolRefresh: proc<(pool: StoragePool, flags?: number) => void>(
    83,
    [h.storagePool, h.flags],
    nothing,
  ),
  /** Stops the pool; what it holds stays. */
  storagePoolDestroy: proc<(pool: StoragePool) => void>(80, [h.storagePool], nothing),
  /** Deletes what the pool stands on. @param flags of {@link StoragePoolDelete} */
  storagePoolDelete: proc<(pool: StoragePool, flags?: number) => void>(81, [h.storagePool, h.flags], nothing),
  storagePoolUndefine: proc<(pool: StoragePool) => void>(82, [h.storagePool], nothing),
  storagePoolSetAutostart: proc<(pool: StoragePool, autostart: boolean) => void>(
    90,
    [h.storagePool, boolean],
    nothing,
  ),
  storagePoolGetInfo: proc<(pool: StoragePool) => StoragePoolInfo>(87, [h.storagePool], poolInfo),
  storagePoolGetXMLDesc: proc<(pool: StoragePool, flags?: number) => string>(
    88,
    [h.storagePool, h.flags],
    h.text,
  ),
  storagePoolListAllVolumes: proc<(pool: StoragePool, flags?: number) => StorageVol[]>(
    282,
    [h.storagePool, h.listFlags],
    h.listing(h.storageVol, Limits.volumes),
  ),
} as const;

export const storageVolProcedures = {
  storageVolLookupByName: proc<(pool: StoragePool, name: string) => StorageVol>(
    95,
    [h.storagePool, h.text],
    h.storageVol,
  ),
  storageVolLookupByKey: proc<(key: string) => StorageVol>(96, [h.text], h.storageVol),
  storageVolLookupByPath: proc<(path: string) => StorageVol>(97, [h.text], h.storageVol),
  /** @param flags of {@link StorageVolCreate} */
  storageVolCreateXML: proc<(pool: StoragePool, xml: string, flags?: number) => StorageVol>(
    93,
    [h.storagePool, h.text, h.flags],
    h.storageVol,
  ),
  /** A full copy of `cloneVol`. @param flags of {@link StorageVolCreate} */
  storageVolCreateXMLFrom: proc<
    (pool: StoragePool, xml: string, cloneVol: StorageVol, flags?: number) => StorageVol
  >(125, [h.storagePool, h.text, h.storageVol, h.flags], h.storageVol),
  /** @param flags of {@link StorageVolDelete} */
  storageVolDelete: proc<(vol: StorageVol, flags?: number) => void>(94, [h.storageVol, h.flags], nothing),
  /** @param flags of {@link StorageVolResize}; a smaller size is refused without SHRINK */
  storageVolResize: proc<(vol: StorageVol, capacityBytes: number, flags?: number) => void>(
    260,
    [h.storageVol, uint64Number, h.flags],
    nothing,
  ),
  storageVolGetInfo: proc<(vol: StorageVol) => StorageVolInfo>(98, [h.storageVol], volInfo),
  storageVolGetPath: proc<(vol: StorageVol) => string>(100, [h.storageVol], h.text),
  storageVolGetXMLDesc: proc<(vol: StorageVol, flags?: number) => string>(
    99,
    [h.storageVol, h.flags],
    h.text,
  ),
} as const;
