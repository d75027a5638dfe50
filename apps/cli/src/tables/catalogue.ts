import type { Image, Plan } from '@bellows/api-client/client';
import { toned } from '../format/styles.js';
import type { Column, Fact } from '../format/table.js';
import { disk, memory } from '../format/units.js';

const bound = ({ vcpus, ramMib }: Plan['floor']): string => `${vcpus} vCPU, ${memory(ramMib)}`;
const elasticity = ({ family, floor, ceiling }: Plan) =>
  family === 'vps' ? toned('fixed', 'faint') : `${bound(floor)} – ${bound(ceiling)}`;

export const planColumns: Column<Plan>[] = [
  { header: 'PLAN', cell: ({ id }) => toned(id, 'strong') },
  { header: 'FAMILY', cell: ({ family }) => family },
  { header: 'VCPU', cell: ({ vcpus }) => String(vcpus), align: 'right' },
  { header: 'MEMORY', cell: ({ ramMib }) => memory(ramMib), align: 'right' },
  { header: 'DISK', cell: ({ diskGib }) => disk(diskGib), align: 'right' },
  { header: 'NETWORK', cell: ({ bandwidthMbps }) => `${bandwidthMbps} Mbit/s`, align: 'right' },
  { header: 'RESIZES LIVE', cell: elasticity },
  { header: 'PRICE/HOUR', cell: ({ pricePerHour }) => pricePerHour, align: 'right' },
];

export const planFacts = (plan: Plan): Fact[] => [
  ['plan', toned(plan.id, 'strong'), plan.family],
  ['size', `${bound(plan)}, disk ${disk(plan.diskGib)}`],
  ['network', `${plan.bandwidthMbps} Mbit/s`],
  ['resizes live', elasticity(plan)],
  ['price', `${plan.pricePerHour} an hour`],
];

export const imageColumns: Column<Image>[] = [
  { header: 'IMAGE', cell: ({ name }) => toned(name, 'strong') },
  { header: 'OS', cell: ({ os }) => os },
  { header: 'NEEDS MEMORY', cell: ({ minRamMib }) => memory(minRamMib), align: 'right' },
  { header: 'NEEDS DISK', cell: ({ minDiskGib }) => disk(minDiskGib), align: 'right' },
  { header: 'ID', cell: ({ id }) => toned(id, 'faint') },
];

export const zoneColumns: Column<{ id: string; name: string }>[] = [
  { header: 'ZONE', cell: ({ name }) => toned(name, 'strong') },
];
