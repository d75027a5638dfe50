/** A domain as libvirt names it on the wire. A plain value: keep it, or rebuild it from name and uuid. */
export interface Domain {
  name: string;
  /** Lower case, 8-4-4-4-12. What libvirt goes by. */
  uuid: string;
  /** -1 when it is not running. */
  id: number;
}

export interface StoragePool {
  name: string;
  uuid: string;
}

export interface StorageVol {
  /** Name of its pool. */
  pool: string;
  name: string;
  /** Unique on the host; for a file it is the path. */
  key: string;
}

export interface NWFilter {
  name: string;
  uuid: string;
}

export interface NodeInfo {
  model: string;
  memoryKib: number;
  /** Active logical CPUs. */
  cpus: number;
  mhz: number;
  /** NUMA cells; 1 when there are none. */
  nodes: number;
  sockets: number;
  cores: number;
  threads: number;
}

export interface DomainInfo {
  /** One of {@link DomainState}. */
  state: number;
  maxMemKib: number;
  memoryKib: number;
  nrVirtCpu: number;
  cpuTimeNs: bigint;
}

export interface DomainStateInfo {
  /** One of {@link DomainState}. */
  state: number;
  /** What it means depends on the state: virDomainRunningReason, virDomainShutoffReason, … */
  reason: number;
}

export interface DomainBlockInfo {
  capacityBytes: number;
  allocationBytes: number;
  physicalBytes: number;
}

export interface StoragePoolInfo {
  /** One of {@link StoragePoolState}. */
  state: number;
  capacityBytes: number;
  allocationBytes: number;
  availableBytes: number;
}

export interface StorageVolInfo {
  /** One of {@link StorageVolType}. */
  type: number;
  capacityBytes: number;
  allocationBytes: number;
}

/** A typed parameter's value: 64-bit ones are bigint, 32-bit and double are number. */
export type TypedValue = number | bigint | boolean | string;

export type TypedParams = Record<string, TypedValue>;

export interface DomainStatsRecord {
  domain: Domain;
  /** Keys as in virConnectGetAllDomainStats: `state.state`, `cpu.time`, `balloon.current`, `vcpu.0.time`, … */
  params: TypedParams;
}

/** virDomainMemoryStats: KiB, but for the faults (counts), the page counts and lastUpdate (seconds since 1970). */
export interface MemoryStats {
  swapIn?: number;
  swapOut?: number;
  majorFault?: number;
  minorFault?: number;
  unused?: number;
  available?: number;
  actualBalloon?: number;
  rss?: number;
  usable?: number;
  lastUpdate?: number;
  diskCaches?: number;
  hugetlbPgAlloc?: number;
  hugetlbPgFail?: number;
}
