import type { MemoryStats } from '../types.js';
import { array, int32, mapped, struct, uint64Number, type Codec, type Decoded } from '../xdr/codec.js';
import { text } from './handles.js';
import { Limits } from './limits.js';
import { knownParams } from './typed-params.js';

/** virDomainSetSchedulerParametersFlags of QEMU: µs, a quota of -1 is none; cpu_shares is a weight. */
export const schedulerParameters = knownParams(
  {
    cpu_shares: 'ullong',
    vcpu_period: 'ullong',
    vcpu_quota: 'llong',
    emulator_period: 'ullong',
    emulator_quota: 'llong',
    global_period: 'ullong',
    global_quota: 'llong',
    iothread_period: 'ullong',
    iothread_quota: 'llong',
  },
  Limits.schedulerParameters,
);
export type SchedulerParameters = Decoded<typeof schedulerParameters>;

/** virDomainSetMemoryParameters: KiB; {@link MEMORY_UNLIMITED} is none. */
export const memoryParameters = knownParams(
  { hard_limit: 'ullong', soft_limit: 'ullong', min_guarantee: 'ullong', swap_hard_limit: 'ullong' },
  Limits.memoryParameters,
);
export type MemoryParameters = Decoded<typeof memoryParameters>;

/** VIR_DOMAIN_MEMORY_PARAM_UNLIMITED, in KiB. */
export const MEMORY_UNLIMITED = 9_007_199_254_740_991;

/** virDomainSetBlockIoTune: bytes or requests a second, lengths in seconds; 0 is no limit. */
export const blockIoTune = knownParams(
  {
    total_bytes_sec: 'ullong',
    read_bytes_sec: 'ullong',
    write_bytes_sec: 'ullong',
    total_iops_sec: 'ullong',
    read_iops_sec: 'ullong',
    write_iops_sec: 'ullong',
    total_bytes_sec_max: 'ullong',
    read_bytes_sec_max: 'ullong',
    write_bytes_sec_max: 'ullong',
    total_iops_sec_max: 'ullong',
    read_iops_sec_max: 'ullong',
    write_iops_sec_max: 'ullong',
    total_bytes_sec_max_length: 'ullong',
    read_bytes_sec_max_length: 'ullong',
    write_bytes_sec_max_length: 'ullong',
    total_iops_sec_max_length: 'ullong',
    read_iops_sec_max_length: 'ullong',
    write_iops_sec_max_length: 'ullong',
    size_iops_sec: 'ullong',
    group_name: 'string',
  },
  Limits.blockIoTuneParameters,
);
export type BlockIoTune = Decoded<typeof blockIoTune>;

/** virDomainMemoryStatTags, by number. */
const MEMORY_STAT_TAGS: readonly (keyof MemoryStats)[] = [
  'swapIn',
  'swapOut',
  'majorFault',
  'minorFault',
  'unused',
  'available',
  'actualBalloon',
  'rss',
  'usable',
  'lastUpdate',
  'diskCaches',
  'hugetlbPgAlloc',
  'hugetlbPgFail',
];

interface MemoryStat {
  tag: number;
  value: number;
}

/** Tags this version does not know are dropped. */
export const memoryStats: Codec<MemoryStats> = mapped(
  array(struct<MemoryStat>({ tag: int32, value: uint64Number }), Limits.memoryStats, 12),
  (stats) => {
    const named: MemoryStats = {};
    for (const { tag, value } of stats) {
      const name = MEMORY_STAT_TAGS[tag];
      if (name) named[name] = value;
    }
    return named;
  },
  (named) =>
    Object.entries(named).map(([name, value]) => ({
      tag: MEMORY_STAT_TAGS.indexOf(name as keyof MemoryStats),
      value,
    })),
);

interface NamedValue {
  field: string;
  value: number;
}

export const namedValues = (max: number): Codec<Map<string, number>> =>
  mapped(
    array(struct<NamedValue>({ field: text, value: uint64Number }), max, 12),
    (values) => new Map(values.map(({ field, value }) => [field, value])),
    (named) => [...named].map(([field, value]) => ({ field, value })),
  );
