import type { Domain, DomainStatsRecord, NodeInfo, NWFilter, StoragePool } from '../types.js';
import {
  array,
  boolean,
  int32,
  nothing,
  optional,
  struct,
  uint32,
  uint64Number,
  type Codec,
} from '../xdr/codec.js';
import * as h from './handles.js';
import { Limits } from './limits.js';
import { namedValues } from './parameters.js';
import { proc } from './procedure.js';
import { typedParams } from './typed-params.js';

const nodeInfo: Codec<NodeInfo> = struct<NodeInfo>({
  model: h.charArray(32),
  memoryKib: uint64Number,
  cpus: int32,
  mhz: int32,
  nodes: int32,
  sockets: int32,
  cores: int32,
  threads: int32,
});

export interface NodeMemoryStats {
  stats: Map<string, number>;
  nparams: number;
}

const domainStatsRecord: Codec<DomainStatsRecord> = struct<DomainStatsRecord>({
  domain: h.domain,
  params: typedParams(Limits.domainStatsParameters),
});

/** Calls the connection makes by itself while it opens, closes and subscribes. */
export const sessionProcedures = {
  authList: proc<() => number[]>(66, [], array(int32, Limits.authTypes)),
  authPolkit: proc<() => number>(70, [], int32),
  connectOpen: proc<(name: string | null, flags: number) => void>(
    1,
    [h.textOrNull as Codec<string | null>, uint32],
    nothing,
  ),
  connectClose: proc<() => void>(2, [], nothing),
  connectDomainEventCallbackRegisterAny: proc<(eventID: number, dom: Domain | null) => number>(
    316,
    [int32, h.domainOrNull],
    int32,
  ),
  connectDomainEventCallbackDeregisterAny: proc<(callbackID: number) => void>(317, [int32], nothing),
  nodeGetMemoryStats: proc<(nparams: number, cellNum: number, flags?: number) => NodeMemoryStats>(
    228,
    [int32, int32, h.flags],
    struct<NodeMemoryStats>({ stats: namedValues(Limits.nodeMemoryStats), nparams: int32 }),
  ),
} as const;

export const connectProcedures = {
  /** The hypervisor's version: major * 1,000,000 + minor * 1,000 + release. */
  connectGetVersion: proc<() => number>(4, [], uint64Number),
  /** libvirt's own version at the other end, counted the same way. */
  connectGetLibVersion: proc<() => number>(157, [], uint64Number),
  /** The driver's name, such as `QEMU`. */
  connectGetType: proc<() => string>(3, [], h.text),
  connectGetURI: proc<() => string>(110, [], h.text),
  connectGetHostname: proc<() => string>(59, [], h.text),
  /** XML: what the host is and which guests it can run. */
  connectGetCapabilities: proc<() => string>(7, [], h.text),
  /** XML: what a domain may have with this emulator, architecture, machine and virtualisation type. */
  connectGetDomainCapabilities: proc<
    (
      emulatorbin?: string | null,
      arch?: string | null,
      machine?: string | null,
      virttype?: string | null,
      flags?: number,
    ) => string
  >(342, [h.textOrNull, h.textOrNull, h.textOrNull, h.textOrNull, h.flags], h.text),
  /** @param feature a {@link DriverFeature} */
  connectSupportsFeature: proc<(feature: number) => boolean>(60, [int32], boolean),
  nodeGetInfo: proc<() => NodeInfo>(6, [], nodeInfo),
  /** Bytes. */
  nodeGetFreeMemory: proc<() => number>(102, [], uint64Number),
  /** @param flags of {@link ConnectListAllDomains}; 0 is all */
  connectListAllDomains: proc<(flags?: number) => Domain[]>(
    273,
    [h.listFlags],
    h.listing(h.domain, Limits.domains),
  ),
  /**
   * @param doms empty for all
   * @param stats of {@link DomainStats}; 0 is all
   * @param flags of {@link ConnectGetAllDomainStats}
   */
  connectGetAllDomainStats: proc<(doms?: Domain[], stats?: number, flags?: number) => DomainStatsRecord[]>(
    344,
    [optional(array(h.domain, Limits.domains), []), h.flags, h.flags],
    array(domainStatsRecord, Limits.domains),
  ),
  /** @param flags of {@link ConnectListAllStoragePools} */
  connectListAllStoragePools: proc<(flags?: number) => StoragePool[]>(
    281,
    [h.listFlags],
    h.listing(h.storagePool, Limits.pools),
  ),
  connectListAllNWFilters: proc<(flags?: number) => NWFilter[]>(
    286,
    [h.listFlags],
    h.listing(h.nwfilter, Limits.nwfilters),
  ),
  nwfilterLookupByName: proc<(name: string) => NWFilter>(175, [h.text], h.nwfilter),
  nwfilterDefineXML: proc<(xml: string) => NWFilter>(180, [h.text], h.nwfilter),
  nwfilterUndefine: proc<(nwfilter: NWFilter) => void>(181, [h.nwfilter], nothing),
  nwfilterGetXMLDesc: proc<(nwfilter: NWFilter, flags?: number) => string>(
    177,
    [h.nwfilter, h.flags],
    h.text,
  ),
} as const;
