import type { Connection } from '@bellows/node-libvirt/connection';
import type { Domain } from '@bellows/node-libvirt/types';
import type { Deadline } from './deadline.js';
import { elasticMibIn } from './qemu-memory.js';
import { memoryBlockKib } from './xml/domain.js';
import type { DomainView } from './xml/domain-view.js';

/** Boot memory and what is plugged, of QEMU itself: libvirt's own figure is up to a second old. */
export async function pluggedRamMib(
  connection: Connection,
  domain: Domain,
  { bootMib, elastic }: DomainView,
  deadline: Deadline,
): Promise<number> {
  if (!elastic) return bootMib;
  const command = JSON.stringify({ execute: 'query-memory-devices' });
  const answer = await connection.domainQemuMonitorCommand(
    domain,
    command,
    0,
    deadline.call('read the memory'),
  );
  return bootMib + elasticMibIn(answer);
}

/** Left to a guest that gives memory back, in MiB: with less, its kernel begins to kill. */
const breathingSpaceMib = 128;

/**
 * The least that may be asked of the virtio-mem device now, in MiB: a guest that is asked for more than it can spare
 * runs into its out-of-memory killer. Its own word, by the balloon's statistics (a second old): a liar keeps, and pays
 * for, what it has. While it still gives back what it was asked for, it is asked for no more. 0 when it says nothing.
 */
export async function leastBearableMib(
  connection: Connection,
  domain: Domain,
  view: DomainView,
  deadline: Deadline,
): Promise<number> {
  const { bootMib, elastic } = view;
  if (!elastic) return 0;
  const [stats, ramMib] = await Promise.all([
    connection.domainMemoryStats(domain, 0, deadline.call('read memory statistics')),
    pluggedRamMib(connection, domain, view, deadline),
  ]);
  const pluggedMib = ramMib - bootMib;
  if (pluggedMib > elastic.requestedMib) return elastic.requestedMib;
  if (stats.usable === undefined) return 0;
  const spareMib = Math.max(0, Math.floor(stats.usable / 1024) - breathingSpaceMib);
  const blockMib = memoryBlockKib / 1024;
  return Math.min(Math.ceil(Math.max(0, pluggedMib - spareMib) / blockMib) * blockMib, elastic.sizeMib);
}
