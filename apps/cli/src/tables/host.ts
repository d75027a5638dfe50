import type { Host } from '@bellows/api-client/client';
import { hostState } from '../format/states.js';
import { toned } from '../format/styles.js';
import type { Column, Fact } from '../format/table.js';
import { disk, memory, moment, shareOf, sizeText } from '../format/units.js';

type Dimension = 'vcpus' | 'ramMib' | 'diskGib';
/** Nearly sold out: nine tenths. */
const nearlyFull = 0.9;

const claimed = (header: string, dimension: Dimension, unit: 'memory' | 'disk' | 'count'): Column<Host> => ({
  header,
  align: 'right',
  cell: ({ reserved, capacity }) => {
    const text = shareOf(reserved[dimension], capacity[dimension], unit);
    return reserved[dimension] >= capacity[dimension] * nearlyFull ? toned(text, 'busy') : text;
  },
});

export const hostColumns: Column<Host>[] = [
  { header: 'NAME', cell: ({ name }) => toned(name, 'strong') },
  { header: 'STATE', cell: ({ state }) => hostState(state) },
  claimed('VCPU SOLD', 'vcpus', 'count'),
  claimed('MEMORY SOLD', 'ramMib', 'memory'),
  claimed('DISK SOLD', 'diskGib', 'disk'),
  { header: 'INSTANCES', cell: ({ instances }) => String(instances), align: 'right' },
  { header: 'ZONE', cell: ({ zone }) => zone },
  { header: 'DRIVER', cell: ({ driver }) => driver },
  { header: 'URI', cell: ({ uri }) => uri, wide: true },
  { header: 'ID', cell: ({ id }) => toned(id, 'faint') },
];

export const hostFacts = (host: Host): Fact[] => [
  ['name', toned(host.name, 'strong'), hostState(host.state)],
  ['id', host.id],
  ['driver', host.driver, toned(host.uri, 'faint')],
  ['zone', host.zone],
  ['instances', String(host.instances)],
  ['physical', sizeText(host.physical)],
  [
    'overcommit',
    `vCPU ×${host.overcommit.vcpus}, memory ×${host.overcommit.ramMib}, disk ×${host.overcommit.diskGib}`,
  ],
  ['may be sold', sizeText(host.capacity)],
  ['sold', sizeText(host.reserved)],
  ['held now', `${host.held.vcpus} vCPU · ${memory(host.held.ramMib)} · disk ${disk(host.held.diskGib)}`],
  ['enrolled', moment(host.createdAt)],
  ...host.conditions.map(({ type, message }): Fact => ['!', toned(`${type}: ${message}`, 'busy')]),
];
