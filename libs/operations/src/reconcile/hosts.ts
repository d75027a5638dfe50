import { capacityOf } from '@bellows/domain/host';
import { sameSize } from '@bellows/domain/size';
import type { Cloud } from '../cloud.js';
import { DriverError } from '../ports/driver-errors.js';
import type { Host } from '../ports/rows.js';
import { withCondition } from '../instance/ending.js';
import { onGuestEvent } from './settle.js';

const pageSize = 200;

/** Looks at every host once: its own size, what foreign guests take, and guests that stopped without a word. */
export async function observeHosts(
  cloud: Cloud,
  onError: (host: Host, error: unknown) => void,
): Promise<void> {
  let cursor: string | null = null;
  do {
    const page = await cloud.store.hosts({ limit: pageSize, cursor });
    for (const host of page.items) {
      await observeHost(cloud, host).catch((error: unknown) => onError(host, error));
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
}

async function observeHost(cloud: Cloud, host: Host): Promise<void> {
  const driver = cloud.drivers[host.driver];
  if (!driver) return;
  const now = cloud.clock.now();
  const ref = { id: host.id, driver: host.driver, uri: host.uri };
  try {
    const { physical, foreign } = await driver.observeHost(ref);
    const conditions = withCondition(host.conditions, 'unreachable', null, now);
    const capacity = capacityOf({ ...host, physical, foreign });
    const same = sameSize(capacity, host.capacity) && conditions.length === host.conditions.length;
    if (!same)
      await cloud.store.commit([
        { change: 'update-host', id: host.id, set: { physical, foreign, capacity, conditions } },
      ]);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const conditions = withCondition(host.conditions, 'unreachable', error.message, now);
    await cloud.store.commit([{ change: 'update-host', id: host.id, set: { conditions } }]);
    return;
  }
  for (const guest of await driver.listGuests(ref)) {
    const ours = guest.controllerId === cloud.controllerId && guest.instanceId !== null;
    if (ours && guest.power === 'stopped')
      await onGuestEvent(cloud, { instanceId: guest.instanceId, kind: 'stopped' });
  }
}
