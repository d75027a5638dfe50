import type { Dimension, Size } from './size.js';

export type PlanFamily = 'vps' | 'ecs' | 'burst';

/** A slice of a server as it is sold. `vps` is fixed; `ecs` resizes live between floor and ceiling. */
export interface Plan {
  readonly id: string;
  readonly family: PlanFamily;
  readonly vcpus: number;
  readonly ramMib: number;
  readonly diskGib: number;
  readonly bandwidthMbps: number;
  /** The smallest and the largest vCPU and memory a live resize may reach. Equal to the size itself for `vps`. */
  readonly floor: ElasticBound;
  readonly ceiling: ElasticBound;
  /** Decimal string, in the cloud's currency. */
  readonly pricePerHour: string;
}

export interface ElasticBound {
  readonly vcpus: number;
  readonly ramMib: number;
}

export const isElastic = (plan: Plan): boolean => plan.family !== 'vps';

export const planSize = (plan: Plan): Size => ({
  vcpus: plan.vcpus,
  ramMib: plan.ramMib,
  diskGib: plan.diskGib,
});

/** Plans of one class share floor and ceiling: a live resize moves inside a class. */
export const sameClass = (a: Plan, b: Plan): boolean =>
  a.floor.vcpus === b.floor.vcpus &&
  a.floor.ramMib === b.floor.ramMib &&
  a.ceiling.vcpus === b.ceiling.vcpus &&
  a.ceiling.ramMib === b.ceiling.ramMib;

export const withinClass = (plan: Plan, size: Pick<Size, 'vcpus' | 'ramMib'>): boolean =>
  (['vcpus', 'ramMib'] satisfies Dimension[]).every(
    (d) => plan.floor[d] <= size[d] && size[d] <= plan.ceiling[d],
  );

/** virtio-mem plugs memory in blocks of this size on x86-64; every size sold is a multiple of it. */
export const memoryBlockMib = 2;
/** The step of memory a client may ask for: the guest onlines memory in blocks of 128 MiB. */
export const memoryStepMib = 128;

const gib = 1024;
const fixed = (id: string, vcpus: number, ramGib: number, diskGib: number, pricePerHour: string): Plan => {
  const bound = { vcpus, ramMib: ramGib * gib };
  return {
    id,
    family: 'vps',
    ...bound,
    diskGib,
    bandwidthMbps: 200,
    floor: bound,
    ceiling: bound,
    pricePerHour,
  };
};
const elastic = (
  id: string,
  [vcpus, ramGib]: [number, number],
  diskGib: number,
  [floor, ceiling]: [ElasticBound, ElasticBound],
  pricePerHour: string,
): Plan => ({
  id,
  family: 'ecs',
  vcpus,
  ramMib: ramGib * gib,
  diskGib,
  bandwidthMbps: 500,
  floor,
  ceiling,
  pricePerHour,
});

const classS: [ElasticBound, ElasticBound] = [
  { vcpus: 1, ramMib: gib },
  { vcpus: 4, ramMib: 4 * gib },
];
const classM: [ElasticBound, ElasticBound] = [
  { vcpus: 2, ramMib: 4 * gib },
  { vcpus: 8, ramMib: 16 * gib },
];

/** What a new cloud sells on its first day; the operator changes it over `/v1/plans`. */
export const firstCatalogue: readonly Plan[] = [
  fixed('vps-1c1g', 1, 1, 20, '0.0070'),
  fixed('vps-2c4g', 2, 4, 40, '0.0240'),
  elastic('ecs-1c1g', [1, 1], 20, classS, '0.0105'),
  elastic('ecs-2c2g', [2, 2], 20, classS, '0.0210'),
  elastic('ecs-2c4g', [2, 4], 20, classS, '0.0315'),
  elastic('ecs-4c4g', [4, 4], 20, classS, '0.0420'),
  elastic('ecs-4c8g', [4, 8], 40, classM, '0.0735'),
  elastic('ecs-8c16g', [8, 16], 40, classM, '0.1470'),
];

/** Money for a size that is no plan of its own: per vCPU, per GiB of memory and per GiB of extra disk, an hour. */
export const unitPricePerHour = { vcpu: '0.00525', ramGib: '0.00525', diskGib: '0.0001' } as const;
