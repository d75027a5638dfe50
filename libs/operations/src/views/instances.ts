import { looksLikeId, type HostId, type InstanceId, type OperationId } from '@bellows/domain/ids';
import { instanceStates, operationKinds, operationStates } from '@bellows/domain/lifecycle';
import type { InstanceState, OperationKind } from '@bellows/domain/lifecycle';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '../cloud.js';
import { seenInstance } from '../instance/target.js';
import type { Instance, Operation } from '../ports/rows.js';
import type { Page, PageAsk } from '../ports/store.js';
import { listScope, nothingThere, sees } from './visible.js';

export async function readInstance(cloud: Cloud, ask: Ask, id: string): Promise<Instance | Refusal> {
  return looksLikeId('instance', id) ? seenInstance(cloud, ask, id as InstanceId) : nothingThere('instance');
}

const oneOf = <Word extends string>(words: readonly Word[], text: string | undefined, field: string) =>
  text === undefined || (words as readonly string[]).includes(text)
    ? (text as Word | undefined)
    : refuse('invalid', `The filter ${field} must be one of ${words.join(', ')}.`);

export interface InstanceFilter extends PageAsk {
  readonly project?: string;
  readonly host?: string;
  readonly state?: string;
  readonly name?: string;
  readonly plan?: string;
  /** `key=value` */
  readonly tag?: string;
}

export async function listInstances(
  cloud: Cloud,
  ask: Ask,
  filter: InstanceFilter,
): Promise<Page<Instance> | Refusal> {
  const scope = listScope(ask.principal, filter.project);
  if (isRefusal(scope)) return scope;
  const state = oneOf<InstanceState>(instanceStates, filter.state, 'state');
  if (isRefusal(state)) return state;
  if (filter.host !== undefined && ask.principal.role !== 'admin') {
    return refuse('forbidden', 'Only an admin knows hosts.');
  }
  const [key, ...value] = filter.tag?.split('=') ?? [];
  return cloud.store.instances({
    limit: filter.limit,
    cursor: filter.cursor,
    projectId: scope.projectId,
    hostId: filter.host as HostId | undefined,
    state,
    name: filter.name,
    planId: filter.plan,
    tag: key === undefined ? undefined : { key, value: value.join('=') },
  });
}

export async function readOperation(cloud: Cloud, ask: Ask, id: string): Promise<Operation | Refusal> {
  const operation = looksLikeId('operation', id) ? await cloud.store.operation(id as OperationId) : null;
  return operation && sees(ask.principal, operation.projectId) ? operation : nothingThere('operation');
}

export interface OperationFilter extends PageAsk {
  readonly project?: string;
  readonly instance?: string;
  readonly state?: string;
  readonly kind?: string;
}

export async function listOperations(
  cloud: Cloud,
  ask: Ask,
  filter: OperationFilter,
): Promise<Page<Operation> | Refusal> {
  const scope = listScope(ask.principal, filter.project);
  if (isRefusal(scope)) return scope;
  const state = oneOf(operationStates, filter.state, 'state');
  if (isRefusal(state)) return state;
  const kind = oneOf<OperationKind>(operationKinds, filter.kind, 'kind');
  if (isRefusal(kind)) return kind;
  return cloud.store.operations({
    limit: filter.limit,
    cursor: filter.cursor,
    projectId: scope.projectId,
    instanceId: filter.instance as InstanceId | undefined,
    state,
    kind,
  });
}
