import { micro, type Micro } from './money.js';
import { unitPricePerHour, type Plan } from './plan.js';
import type { Size } from './size.js';

const extraDisk = (size: Size, included: number): Micro =>
  BigInt(Math.max(0, size.diskGib - included)) * micro(unitPricePerHour.diskGib);

/** What a running instance costs an hour: its plan's price where the size is the plan's, else by the unit. */
export function pricePerHour(size: Size, plan: Plan): Micro {
  const disk = extraDisk(size, plan.diskGib);
  if (size.vcpus === plan.vcpus && size.ramMib === plan.ramMib) return micro(plan.pricePerHour) + disk;
  const cpu = BigInt(size.vcpus) * micro(unitPricePerHour.vcpu);
  const memory = (BigInt(size.ramMib) * micro(unitPricePerHour.ramGib)) / 1024n;
  return cpu + memory + disk;
}
