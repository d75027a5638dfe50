import { operationStates, operationKinds } from '@bellows/domain/lifecycle';
import type { Operation } from '@bellows/operations/ports/rows';
import { timeOf, timeOrNull } from '../http/times.js';
import { Flag, Id, Int, Many, One, Str, Strs, Time, Word } from '../http/view-fields.js';

const stepStates = ['pending', 'running', 'done', 'retrying', 'undoing', 'undone', 'undo-failed', 'skipped'];

export class StepView {
  @Str()
  name!: string;
  @Word(stepStates)
  state!: string;
  @Int()
  attempt!: number;
  @Time({ nullable: true })
  startedAt!: string | null;
  @Time({ nullable: true })
  finishedAt!: string | null;
  @Str({ required: false })
  error?: string;
}

export class ResourceView {
  @Str({ example: 'instance' })
  kind!: string;
  @Str()
  id!: string;
}

export class OperationErrorView {
  @Str()
  code!: string;
  @Str()
  detail!: string;
}

export class OperationView {
  @Id('op')
  id!: string;
  @Word(operationKinds)
  kind!: string;
  @Id('prj')
  projectId!: string;
  @One(ResourceView)
  resource!: ResourceView;
  @Word(operationStates)
  state!: string;
  @Many(StepView)
  steps!: StepView[];
  @One(OperationErrorView, { required: false })
  error?: OperationErrorView;
  @Strs()
  warnings!: readonly string[];
  @Word(['guest', 'engine', 'hypervisor'], {
    nullable: true,
    description:
      "Who confirmed the new size: the guest's agent; the agent and the container engine in the guest; or, where one of them was expected and not heard, only the hypervisor.",
  })
  confirmedBy!: string | null;
  @Flag()
  cancelRequested!: boolean;
  @Int({ description: 'How many times a worker has taken it up.' })
  attempt!: number;
  @Time()
  createdAt!: string;
  @Time({ nullable: true })
  startedAt!: string | null;
  @Time({ nullable: true })
  finishedAt!: string | null;
}

export const operationView = (operation: Operation): OperationView => ({
  id: operation.id,
  kind: operation.kind,
  projectId: operation.projectId,
  resource: { kind: 'instance', id: operation.instanceId },
  state: operation.state,
  steps: operation.steps.map((step) => ({
    name: step.name,
    state: step.state,
    attempt: step.attempt,
    startedAt: timeOrNull(step.startedAt),
    finishedAt: timeOrNull(step.finishedAt),
    ...(step.error !== undefined && { error: step.error }),
  })),
  ...(operation.error && { error: operation.error }),
  warnings: operation.warnings,
  confirmedBy: operation.confirmedBy,
  cancelRequested: operation.cancelRequested,
  attempt: operation.attempt,
  createdAt: timeOf(operation.createdAt),
  startedAt: timeOrNull(operation.startedAt),
  finishedAt: timeOrNull(operation.finishedAt),
});
