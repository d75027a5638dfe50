import { instanceStates } from '@bellows/domain/lifecycle';
import type { Principal } from '@bellows/operations/cloud';
import { engineStates, type Engine } from '@bellows/operations/ports/engine';
import type { Instance, Operation } from '@bellows/operations/ports/rows';
import type { StoredAnswer } from '@bellows/operations/ports/store';
import { reachable } from '../docker/open-streams.js';
import { etagOf } from '../http/asked.js';
import { BoundView, ConditionView, conditionViews, SizeView } from '../http/shared-views.js';
import { timeOf } from '../http/times.js';
import { Id, Int, Many, One, Str, StrMap, Time, Word } from '../http/view-fields.js';
import { OperationView, operationView } from '../operations/operation.view.js';

export class InstanceSizeView {
  @One(SizeView, { description: 'What was asked for.' })
  desired!: SizeView;
  @One(SizeView, { description: 'Claimed on the host.' })
  reserved!: SizeView;
  @One(SizeView, { description: 'What the host enforces now; what is billed.' })
  held!: SizeView;
  @One(SizeView, { description: 'What the guest says it has.' })
  effective!: SizeView;
  @One(BoundView)
  floor!: BoundView;
  @One(BoundView)
  ceiling!: BoundView;
}

export class AddressView {
  @Word(['public', 'private'])
  kind!: 'public' | 'private';
  @Str({ example: '203.0.113.7' })
  address!: string;
}

export class DockerView {
  @Word(engineStates, { description: 'As the engine last answered; absent where nothing answers or runs.' })
  state!: string;
  @Str({ nullable: true, description: 'Path of its Docker Engine API here, while the instance runs.' })
  endpoint!: string | null;
  @Str({ required: false, description: 'Of the engine, as it says itself.' })
  version?: string;
}

export class InstanceView {
  @Id('i')
  id!: string;
  @Str()
  name!: string;
  @Id('prj')
  projectId!: string;
  @Word(instanceStates)
  state!: string;
  @Str()
  plan!: string;
  @Word(['vps', 'ecs', 'burst'])
  family!: string;
  @Str()
  image!: string;
  @Str()
  zone!: string;
  @Id('h', { required: false, description: 'For admins only.' })
  hostId?: string;
  @One(InstanceSizeView)
  size!: InstanceSizeView;
  @Many(AddressView)
  addresses!: AddressView[];
  @One(DockerView)
  docker!: DockerView;
  @Many(ConditionView)
  conditions!: ConditionView[];
  @StrMap()
  tags!: Readonly<Record<string, string>>;
  @Str({ nullable: true })
  antiAffinityGroup!: string | null;
  @Int({ description: 'Counts the changes; the ETag.' })
  version!: number;
  @Time()
  createdAt!: string;
  @Time()
  updatedAt!: string;
}

const addressesOf = ({ publicAddress, privateAddress }: Instance): AddressView[] => [
  ...(publicAddress === null ? [] : [{ kind: 'public' as const, address: publicAddress }]),
  ...(privateAddress === null ? [] : [{ kind: 'private' as const, address: privateAddress }]),
];

function dockerView({ id, state }: Instance, engine: Engine | undefined): DockerView {
  if (!reachable.includes(state)) return { state: 'absent', endpoint: null };
  const version = engine?.version ?? null;
  return {
    state: engine?.state ?? 'starting',
    endpoint: engine?.state === 'absent' ? null : `/v1/instances/${id}/docker`,
    ...(version !== null && { version }),
  };
}

/** @param engines what was heard of theirs, of this instance and perhaps of others. */
export const instanceView = (
  instance: Instance,
  { role }: Pick<Principal, 'role'>,
  engines: readonly Engine[],
): InstanceView => ({
  id: instance.id,
  name: instance.name,
  projectId: instance.projectId,
  state: instance.state,
  plan: instance.planId,
  family: instance.family,
  image: instance.image,
  zone: instance.zone,
  ...(role === 'admin' && { hostId: instance.hostId }),
  size: {
    desired: instance.desired,
    reserved: instance.reserved,
    held: instance.held,
    effective: instance.effective,
    floor: instance.floor,
    ceiling: instance.ceiling,
  },
  addresses: addressesOf(instance),
  docker: dockerView(
    instance,
    engines.find(({ instanceId }) => instanceId === instance.id),
  ),
  conditions: conditionViews(instance.conditions),
  tags: instance.tags,
  antiAffinityGroup: instance.antiAffinityGroup,
  version: instance.version,
  createdAt: timeOf(instance.createdAt),
  updatedAt: timeOf(instance.updatedAt),
});

export class AcceptedView {
  @One(OperationView)
  operation!: OperationView;
  @One(InstanceView)
  instance!: InstanceView;
  @Many(OperationView, { required: false, description: 'All of them, when `count` asked for several.' })
  operations?: OperationView[];
  @Many(InstanceView, { required: false })
  instances?: InstanceView[];
}

interface Accepted {
  readonly operations: readonly Operation[];
  readonly instances: readonly Instance[];
}

/** 202 with the operation to follow. */
export const acceptedAnswer =
  (principal: Principal, engines: readonly Engine[] = []) =>
  (accepted: Accepted): StoredAnswer => {
    const operations = accepted.operations.map(operationView);
    const instances = accepted.instances.map((instance) => instanceView(instance, principal, engines));
    const [operation, instance] = [operations[0]!, instances[0]!];
    const several = operations.length > 1 ? { operations, instances } : {};
    return {
      status: 202,
      body: { operation, instance, ...several },
      headers: { location: `/v1/operations/${operation.id}`, etag: etagOf(instance.version) },
    };
  };
