import type { TestCloud } from './cloud.js';

interface Size {
  readonly vcpus: number;
  readonly ramMib: number;
  readonly diskGib: number;
}

export interface Books {
  readonly hosts: { id: string; capacity: Size; reserved: Size; instances: number }[];
  readonly instances: { id: string; hostId: string; state: string; size: { reserved: Size } }[];
}

export async function hostsAndInstances(cloud: TestCloud): Promise<Books> {
  return { hosts: await all(cloud, '/v1/hosts'), instances: await all(cloud, '/v1/instances') };
}

/** Every page of a list. */
async function all(cloud: TestCloud, path: string): Promise<any[]> {
  const items: any[] = [];
  for (let cursor = ''; ;) {
    const { body } = await cloud.call('GET', `${path}?limit=100${cursor && `&cursor=${cursor}`}`);
    items.push(...body.items);
    if (body.nextCursor === null) return items;
    cursor = encodeURIComponent(body.nextCursor);
  }
}

/**
 * What is wrong in the books: a server that reserved more than it has, or other than its instances hold claimed.
 * The hypervisor's own memory is claimed with each guest that holds memory, the same for every guest of a server.
 */
export function reservedAgree({ hosts, instances }: Books): string[] {
  return hosts.flatMap(({ id, capacity, reserved, instances: count }) => {
    const here = instances.filter(({ hostId }) => hostId === id);
    const sum = (key: keyof Size) => here.reduce((total, { size }) => total + size.reserved[key], 0);
    const withMemory = here.filter(({ size }) => size.reserved.ramMib > 0).length;
    const overheadMib = reserved.ramMib - sum('ramMib');
    return [
      reserved.vcpus !== sum('vcpus') && `${id}: ${reserved.vcpus} vCPUs for ${sum('vcpus')}`,
      reserved.diskGib !== sum('diskGib') && `${id}: ${reserved.diskGib} GiB of disk for ${sum('diskGib')}`,
      (withMemory === 0 ? overheadMib !== 0 : overheadMib < 0 || overheadMib % withMemory !== 0) &&
        `${id}: ${reserved.ramMib} MiB for ${sum('ramMib')} in ${withMemory} guests`,
      count !== here.length && `${id}: counts ${count} instances, has ${here.length}`,
      (['vcpus', 'ramMib', 'diskGib'] as const).some((key) => reserved[key] > capacity[key]) &&
        `${id}: oversold`,
    ].filter((line) => line !== false);
  });
}
