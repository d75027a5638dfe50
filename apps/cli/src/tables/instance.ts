import type { Instance, ResizePlan } from '@bellows/api-client/client';
import { impactText, instanceState } from '../format/states.js';
import { toned, type Cell } from '../format/styles.js';
import { table, type Column, type Fact } from '../format/table.js';
import { age, disk, memory, moment, sizeText } from '../format/units.js';

type Dimension = 'vcpus' | 'ramMib' | 'diskGib';
const unitText: Readonly<Record<Dimension, (figure: number) => string>> = {
  vcpus: String,
  ramMib: memory,
  diskGib: disk,
};

/** What was asked for; `1 → 2` while a running one has something else. */
const sizeColumn = (header: string, dimension: Dimension): Column<Instance> => ({
  header,
  align: 'right',
  cell: ({ state, size: { held, desired } }) => {
    const text = unitText[dimension];
    const wanted = text(desired[dimension]);
    if (state !== 'running' || held[dimension] === desired[dimension]) return wanted;
    return toned(`${text(held[dimension])} → ${wanted}`, 'busy');
  },
});

const addressOf = ({ addresses }: Instance, kind: 'public' | 'private'): string =>
  addresses.find((one) => one.kind === kind)?.address ?? '—';

export const instanceColumns: Column<Instance>[] = [
  { header: 'NAME', cell: ({ name }) => toned(name, 'strong') },
  { header: 'STATE', cell: ({ state }) => instanceState(state) },
  { header: 'PLAN', cell: ({ plan }) => plan },
  sizeColumn('VCPU', 'vcpus'),
  sizeColumn('MEMORY', 'ramMib'),
  sizeColumn('DISK', 'diskGib'),
  { header: 'PUBLIC', cell: (instance) => addressOf(instance, 'public') },
  { header: 'PRIVATE', cell: (instance) => addressOf(instance, 'private'), wide: true },
  { header: 'IMAGE', cell: ({ image }) => image, wide: true },
  { header: 'ZONE', cell: ({ zone }) => zone, wide: true },
  { header: 'HOST', cell: ({ hostId }) => hostId ?? '—', wide: true },
  { header: 'PROJECT', cell: ({ projectId }) => projectId, wide: true },
  { header: 'AGE', cell: ({ createdAt }, now) => age(createdAt, now), align: 'right' },
  { header: 'ID', cell: ({ id }) => toned(id, 'faint') },
];

const elasticity = ({ family, size: { floor, ceiling } }: Instance): string =>
  family === 'vps'
    ? 'fixed slice'
    : `live from ${floor.vcpus} vCPU, ${memory(floor.ramMib)} to ${ceiling.vcpus} vCPU, ${memory(ceiling.ramMib)}`;

export const instanceFacts = (instance: Instance): Fact[] => [
  ['name', toned(instance.name, 'strong'), instanceState(instance.state)],
  ['id', instance.id],
  ['plan', instance.plan, toned(elasticity(instance), 'faint')],
  ['image', instance.image],
  ...instance.addresses.map(({ kind, address }): Fact => [kind, address]),
  ['zone', instance.zone],
  ['host', instance.hostId ?? ''],
  ['project', instance.projectId],
  ['group', instance.antiAffinityGroup ?? ''],
  [
    'tags',
    Object.entries(instance.tags)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  ],
  ['created', moment(instance.createdAt)],
  ...instance.conditions.map(({ type, message }): Fact => ['!', toned(`${type}: ${message}`, 'busy')]),
];

type SizeRow = readonly [label: string, size: { vcpus: number; ramMib: number; diskGib: number }];

const sizeRowColumns: Column<SizeRow>[] = [
  { header: 'SIZE', cell: ([label]) => label },
  { header: 'VCPU', cell: ([, { vcpus }]) => String(vcpus), align: 'right' },
  { header: 'MEMORY', cell: ([, { ramMib }]) => memory(ramMib), align: 'right' },
  { header: 'DISK', cell: ([, { diskGib }]) => disk(diskGib), align: 'right' },
];

/** The four sizes of an instance, side by side. */
export const sizeTable = ({ size }: Instance, look: Parameters<typeof table>[2]): string =>
  table(
    sizeRowColumns,
    [
      ['asked for', size.desired],
      ['claimed on the host', size.reserved],
      ['held, and billed', size.held],
      ['the guest says', size.effective],
    ],
    look,
  );

const hoursAMonth = 730;

/** `0.0105 → 0.0210 USD an hour  (+0.0105; +7.67 a month)` */
function priceCells({ before, after, deltaPerHour, currency }: ResizePlan['price']): Cell[] {
  const signed = (text: string) => (text.startsWith('-') ? text : `+${text}`);
  const month = signed((Number(deltaPerHour) * hoursAMonth).toFixed(2));
  return [
    `${before} → ${after} ${currency} an hour`,
    toned(`${signed(deltaPerHour)} an hour, about ${month} a month`, 'faint'),
  ];
}

export const resizePlanFacts = (name: string, plan: ResizePlan): Fact[] => [
  ['instance', toned(name, 'strong')],
  ['from', sizeText(plan.from)],
  ['to', toned(sizeText(plan.to), 'strong'), toned(plan.toPlan, 'faint')],
  ['impact', impactText(plan.impact, plan.reason)],
  ['steps', plan.steps.join(' → ') || 'none'],
  ['price', ...priceCells(plan.price)],
  ['this host', `takes up to ${sizeText(plan.limits.thisHost)}`],
  ...plan.warnings.map((warning): Fact => ['warning', toned(warning, 'busy')]),
  ['plan id', toned(plan.id, 'faint')],
  ['valid until', moment(plan.expiresAt)],
];
