import type { InstanceId } from '@bellows/domain/ids';
import type { Cloud } from '../cloud.js';
import type { GuestEvent } from '../ports/host-driver.js';
import { askAsSystem } from './system.js';

const mostAtOnce = 100;

/** Starts a settle for every instance that still holds more than was asked; returns how many. */
export async function settleOnce(cloud: Cloud): Promise<number> {
  let started = 0;
  for (const instance of await cloud.store.unsettled(mostAtOnce)) {
    if (instance.state === 'running' && (await askAsSystem(cloud, instance, 'instance.settle'))) started++;
  }
  return started;
}

/** What the cloud does when a guest does something on its own. */
export async function onGuestEvent(cloud: Cloud, { instanceId, kind }: GuestEvent): Promise<void> {
  const instance = await cloud.store.instance(instanceId);
  if (instance?.state !== 'running') return;
  if (kind === 'stopped') return void (await stopped(cloud, instanceId));
  // A reset brings offlined CPUs back; freed memory can finish a partial shrink.
  const partial = instance.conditions.some(({ type }) => type === 'partial');
  if (kind === 'reset' || (kind === 'memory-changed' && partial))
    await askAsSystem(cloud, instance, 'instance.settle');
}

/** The guest powered itself off, or its host lost it: the stop makes it official and gives its claim back. */
async function stopped(cloud: Cloud, id: InstanceId): Promise<void> {
  const instance = await cloud.store.instance(id);
  if (instance?.state === 'running')
    await askAsSystem(cloud, instance, 'instance.stop', { state: 'stopping' });
}
