import type { StepState } from '@bellows/domain/lifecycle';
import type { EpochMs, OperationStep } from '../ports/rows.js';

/** The recorded steps of an operation, merged with the steps its saga takes; every change gives a new list. */
export class Progress {
  private constructor(readonly steps: readonly OperationStep[]) {}

  static of(names: readonly string[], recorded: readonly OperationStep[]): Progress {
    return new Progress(
      names.map(
        (name, i) =>
          (recorded[i]?.name === name && recorded[i]) || {
            name,
            state: 'pending',
            attempt: 0,
            startedAt: null,
            finishedAt: null,
          },
      ),
    );
  }

  /** True once unwinding has begun: it is never turned round again. */
  get unwinding(): boolean {
    return this.steps.some((step) => ['undoing', 'undone', 'undo-failed'].includes(step.state));
  }

  get firstOpen(): number {
    const at = this.steps.findIndex((step) => step.state !== 'done' && step.state !== 'skipped');
    return at < 0 ? this.steps.length : at;
  }

  /** What made it turn round. */
  get failure(): OperationStep | undefined {
    return this.steps.find((step) => step.error !== undefined);
  }

  with(at: number, state: StepState, now: EpochMs, error?: string): Progress {
    return new Progress(this.steps.map((step, i) => (i === at ? moved(step, state, now, error) : step)));
  }
}

function moved(step: OperationStep, state: StepState, now: EpochMs, error?: string): OperationStep {
  const starts = state === 'running';
  const ends = state === 'done' || state === 'undone' || state === 'undo-failed' || state === 'skipped';
  return {
    ...step,
    state,
    attempt: starts ? step.attempt + 1 : step.attempt,
    startedAt: step.startedAt ?? (starts ? now : null),
    finishedAt: ends ? now : null,
    ...(error !== undefined && { error }),
  };
}
