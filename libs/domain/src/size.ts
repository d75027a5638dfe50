/** What an instance has, or a host offers: whole vCPUs, MiB of memory, GiB of disk. */
export interface Size {
  readonly vcpus: number;
  readonly ramMib: number;
  readonly diskGib: number;
}

export const dimensions = ['vcpus', 'ramMib', 'diskGib'] as const;
export type Dimension = (typeof dimensions)[number];

export const nothing: Size = { vcpus: 0, ramMib: 0, diskGib: 0 };

const combine = (a: Size, b: Size, how: (x: number, y: number) => number): Size => ({
  vcpus: how(a.vcpus, b.vcpus),
  ramMib: how(a.ramMib, b.ramMib),
  diskGib: how(a.diskGib, b.diskGib),
});

export const plus = (a: Size, b: Size): Size => combine(a, b, (x, y) => x + y);
export const minus = (a: Size, b: Size): Size => combine(a, b, (x, y) => x - y);
export const larger = (a: Size, b: Size): Size => combine(a, b, Math.max);
export const smaller = (a: Size, b: Size): Size => combine(a, b, Math.min);
export const sameSize = (a: Size, b: Size): boolean => dimensions.every((d) => a[d] === b[d]);

/** True when `part` is at most `whole` in every dimension. */
export const fitsIn = (part: Size, whole: Size): boolean => dimensions.every((d) => part[d] <= whole[d]);

/** The dimensions in which `part` exceeds `whole`: the reason of a refusal. */
export const excess = (part: Size, whole: Size): Dimension[] => dimensions.filter((d) => part[d] > whole[d]);

/** `2 vCPU · 4096 MiB · 20 GiB` */
export const sizeText = (s: Size): string => `${s.vcpus} vCPU · ${s.ramMib} MiB · ${s.diskGib} GiB`;
