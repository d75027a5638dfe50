import type { OperationKind } from '@bellows/domain/lifecycle';
import type { Cloud } from '../cloud.js';
import { newOperation } from '../instance/new-instance.js';
import type { Instance } from '../ports/rows.js';
import type { Change } from '../ports/store.js';

/** The cloud asks on its own account; false when something else is at work on the instance, or it has changed. */
export async function askAsSystem(
  cloud: Cloud,
  instance: Instance,
  kind: OperationKind,
  set: Partial<Pick<Instance, 'state'>> = {},
): Promise<boolean> {
  const operation = newOperation(cloud, { principal: { actor: 'system' }, requestId: null }, instance, kind, {
    size: instance.desired,
  });
  const changes: Change[] = [
    { change: 'insert-operation', operation },
    {
      change: 'update-instance',
      id: instance.id,
      expect: { states: [instance.state], version: instance.version },
      set,
    },
  ];
  const result = await cloud.store.commit(changes);
  if (result.ok) await cloud.queue.ring([operation.id]);
  return result.ok;
}
