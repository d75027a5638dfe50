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

/** A guest may reboot, or connect its agent, as often as it likes; we follow at our own pace. */
const paceMs = 5_000;
const followed = new WeakMap<Cloud, Map<string, number>>();

/** True at most once every five seconds for one kind of event of one guest. */
function inTime(cloud: Cloud, id: string): boolean {
  let times = followed.get(cloud);
  if (!times) followed.set(cloud, (times = new Map()));
  const now = cloud.clock.now();
  if (now - (times.get(id) ?? -paceMs) < paceMs) return false;
  // Most guests are never heard of again: what is old is forgotten before the map grows.
  if (times.size > 10_000) times.clear();
  times.set(id, now);
  return true;
}

/** What the cloud does when a guest does something on its own. */
export async function onGuestEvent(cloud: Cloud, { instanceId, kind }: GuestEvent): Promise<void> {
  const instance = await cloud.store.instance(instanceId);
  if (instance?.state !== 'running') return;
  if (kind === 'stopped') return void (await stopped(cloud, instanceId));
  // A reboot brings offlined CPUs back, once its agent is there to be asked; freed memory can finish a partial shrink.
  const partial = instance.conditions.some(({ type }) => type === 'partial');
  const matters = kind === 'reset' || kind === 'agent-connected' || (kind === 'memory-changed' && partial);
  if (matters && inTime(cloud, `${instanceId} ${kind}`))
    await askAsSystem(cloud, instance, 'instance.settle');
}

/** The guest powered itself off, or its host lost it: the stop makes it official and gives its claim back. */
async function stopped(cloud: Cloud, id: InstanceId): Promise<void> {
  const instance = await cloud.store.instance(id);
  if (instance?.state === 'running')
    await askAsSystem(cloud, instance, 'instance.stop', { state: 'stopping' });
}
