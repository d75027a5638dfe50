import type { InstanceId, OperationId } from '@bellows/domain/ids';
import type { Cloud } from '../cloud.js';
import { DriverError } from '../ports/driver-errors.js';
import type { OperationError } from '../ports/rows.js';
import type { LeasedOperation } from '../ports/store.js';
import { Lease } from './lease.js';
import { Progress } from './progress.js';
import { type SagaTable, knownVersions } from './table.js';
import { RunContext } from './run-context.js';
import {
  CancelledError,
  LeaseLostError,
  StepFailedError,
  type Outcome,
  type Saga,
  type Step,
} from './saga.js';

export interface RunnerOptions {
  readonly workerId: string;
  readonly leaseMs: number;
  readonly sagas: SagaTable;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, facts: Record<string, unknown>) => void;
}

/** What became of one ring: finished, not ours to do (someone else has it, or it is over), or to be tried later. */
export type RunResult = 'done' | 'not-mine' | 'later';

const attemptsPerRun = 5;
const backoffMs = (attempt: number): number => Math.min(200 * 2 ** attempt, 5_000);
const laterMs = (attempt: number): number => Math.min(1_000 * 2 ** Math.min(attempt, 6), 60_000);
/** An undo that cannot be done for this many leases is stuck: a person has to look. */
const leasesBeforeStuck = 40;

/** Not now: give the lease back and come again. */
class TryLaterError extends Error {}

/** Runs operations as sagas. Any number of runners, in any number of processes, may share one store. */
export class OperationRunner {
  private readonly draining = new AbortController();
  private readonly active = new Set<Promise<unknown>>();
  private readonly instances = new Set<InstanceId>();

  constructor(
    private readonly cloud: Cloud,
    private readonly options: RunnerOptions,
  ) {}

  /** Answers a ring for this operation. Never throws for what the operation itself does. */
  run(id: OperationId): Promise<RunResult> {
    if (this.draining.signal.aborted) return Promise.resolve('later');
    const running = this.lease(id);
    this.active.add(running);
    return running.finally(() => this.active.delete(running));
  }

  /** True while an operation of this instance runs here: it looks for itself at what the guest does meanwhile. */
  isAt(id: InstanceId): boolean {
    return this.instances.has(id);
  }

  /** Stops at the next step boundary, gives the leases back, and resolves when nothing runs any more. */
  async drain(): Promise<void> {
    this.draining.abort(new LeaseLostError('the worker is draining'));
    await Promise.allSettled(this.active);
  }

  private async lease(id: OperationId): Promise<RunResult> {
    const { store, clock, controllerId } = this.cloud;
    const { workerId, leaseMs, sagas } = this.options;
    const askedAt = clock.now();
    const leased = await store.lease(id, workerId, leaseMs, knownVersions(sagas));
    if (!leased) return 'not-mine';
    const lease = new Lease(store, clock, leased, leaseMs, controllerId, askedAt);
    this.instances.add(leased.instance.id);
    try {
      return await this.carryOut(leased, lease);
    } catch (error) {
      return await this.interrupted(leased, error);
    } finally {
      lease.close();
      this.instances.delete(leased.instance.id);
    }
  }

  private async interrupted({ operation }: LeasedOperation, error: unknown): Promise<RunResult> {
    const facts = { operationId: operation.id, kind: operation.kind, error: String(error) };
    if (error instanceof LeaseLostError && !this.draining.signal.aborted) {
      this.options.log('warn', 'stopped working on an operation', facts);
      return 'later';
    }
    const expected = error instanceof LeaseLostError || error instanceof TryLaterError;
    this.options.log(expected ? 'info' : 'error', 'gives an operation back, to be tried again', facts);
    const dueAt = this.cloud.clock.now() + (error instanceof LeaseLostError ? 0 : laterMs(operation.attempt));
    await this.cloud.store.releaseLease(operation.id, operation.fence, dueAt).catch(() => undefined);
    return 'later';
  }

  private async carryOut(leased: LeasedOperation, lease: Lease): Promise<RunResult> {
    const { operation } = leased;
    const saga = this.options.sagas[operation.kind] as Saga<unknown>;
    const ctx = RunContext.of(this.cloud, lease, this.draining.signal);
    const steps = saga.steps(operation.plan);
    const run = new SagaRun(this.cloud, lease, ctx, steps, this.options.log);
    const outcome = await run.toTheEnd();
    await this.finish(saga, ctx, run, outcome);
    return 'done';
  }

  private async finish(saga: Saga<unknown>, ctx: RunContext, run: SagaRun, outcome: Outcome): Promise<void> {
    const { store, clock, queue } = this.cloud;
    const { operation } = ctx;
    const ending = await saga.finish(ctx, outcome);
    const now = clock.now();
    const set = {
      state: ending.state,
      steps: run.progress.steps,
      error: outcome === 'succeeded' ? null : run.error(outcome),
      warnings: ctx.warnings,
      confirmedBy: ctx.confirmation,
      finishedAt: now,
    };
    const result = await store.commit([
      ...ending.changes,
      { change: 'finish-operation', id: operation.id, fence: operation.fence, set },
      {
        change: 'event',
        event: {
          type: `operation.${ending.state}`,
          projectId: operation.projectId,
          resource: operation.instanceId,
          data: { operationId: operation.id, kind: operation.kind },
          at: now,
        },
      },
    ]);
    if (!result.ok) throw new LeaseLostError(`the end of ${operation.id} was refused: ${result.why}`);
    this.options.log(ending.state === 'stuck' ? 'error' : 'info', 'operation ended', {
      operationId: operation.id,
      kind: operation.kind,
      state: ending.state,
    });
    const waiting = await store.liveOperation(operation.instanceId);
    if (waiting) await queue.ring([waiting.id]);
  }
}

/** One saga on its way: forward to the end, or back to the beginning. */
class SagaRun {
  progress: Progress;

  constructor(
    private readonly cloud: Cloud,
    private readonly lease: Lease,
    private readonly ctx: RunContext,
    private readonly steps: readonly Step<unknown>[],
    private readonly log: RunnerOptions['log'],
  ) {
    const names = steps.map((step) => step.name);
    this.progress = Progress.of(names, ctx.operation.steps);
  }

  async toTheEnd(): Promise<Outcome> {
    if (!this.progress.unwinding) {
      const forward = await this.forward();
      this.ctx.mayTurn = false;
      if (forward !== 'turn') return forward;
    }
    return this.back();
  }

  error(outcome: Outcome): OperationError {
    const failed = this.progress.failure;
    if (outcome === 'cancelled') return { code: 'cancelled', detail: 'The operation was cancelled.' };
    return { code: outcome, detail: failed ? `${failed.name}: ${failed.error}` : 'The operation failed.' };
  }

  private async forward(): Promise<'succeeded' | 'stuck' | 'cancelled' | 'turn'> {
    for (let at = this.progress.firstOpen; at < this.steps.length; at++) {
      const step = this.steps[at]!;
      if (this.lease.cancelRequested && !this.pastPivot(at)) return this.turn(at - 1);
      await this.record(at, 'running');
      try {
        this.ctx.mayTurn = !this.pastPivot(at + 1);
        await this.attempt((ctx) => step.do(ctx), at);
      } catch (error) {
        if (error instanceof CancelledError) return this.turn(at);
        if (error instanceof LeaseLostError || error instanceof TryLaterError) throw error;
        this.log('warn', 'a step failed', {
          operationId: this.lease.id,
          step: step.name,
          error: String(error),
        });
        const sentence = sentenceOf(error);
        if (this.pastPivot(at + 1)) {
          await this.record(at, 'running', sentence);
          return 'stuck';
        }
        return this.turn(at, sentence);
      }
      this.progress = this.progress.with(at, 'done', this.cloud.clock.now());
    }
    return 'succeeded';
  }

  private async turn(at: number, sentence?: string): Promise<'cancelled' | 'turn'> {
    if (at < 0) return 'cancelled';
    await this.record(at, 'undoing', sentence);
    return 'turn';
  }

  private async back(): Promise<Outcome> {
    this.ctx.mayTurn = false;
    for (let at = this.steps.length - 1; at >= 0; at--) {
      const { state } = this.progress.steps[at]!;
      if (state === 'pending' || state === 'undone' || state === 'skipped') continue;
      await this.record(at, 'undoing');
      try {
        const step = this.steps[at]!;
        if (step.undo) await this.attempt((ctx) => step.undo!(ctx), at, 'undo');
      } catch (error) {
        if (error instanceof LeaseLostError || error instanceof TryLaterError) throw error;
        await this.record(at, 'undo-failed', sentenceOf(error));
        return 'stuck';
      }
      this.progress = this.progress.with(at, 'undone', this.cloud.clock.now());
    }
    if (this.lease.cancelRequested && !this.progress.failure) return 'cancelled';
    return 'rolled-back';
  }

  /** True when the pivot is among the steps before `at`. */
  private pastPivot(at: number): boolean {
    return this.steps.slice(0, at).some((step) => step.pivot);
  }

  private async attempt(work: (ctx: RunContext) => Promise<void>, at: number, way?: 'undo'): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work(this.ctx);
      } catch (error) {
        this.lease.signal.throwIfAborted();
        const retryable = error instanceof DriverError && error.retryable;
        if (!retryable) throw error;
        if (attempt + 1 >= attemptsPerRun) {
          const again = way === 'undo' || this.pastPivot(at + 1);
          if (again && this.ctx.operation.attempt < leasesBeforeStuck)
            throw new TryLaterError(sentenceOf(error));
          throw error;
        }
        await this.ctx.sleep(backoffMs(attempt));
      }
    }
  }

  private async record(
    at: number,
    state: 'running' | 'undoing' | 'undo-failed',
    error?: string,
  ): Promise<void> {
    this.progress = this.progress.with(at, state, this.cloud.clock.now(), error);
    const kept = await this.cloud.store.recordSteps(this.lease.id, this.lease.token, this.progress.steps);
    if (!kept) {
      this.lease.abandon('the lease was lost');
      this.lease.signal.throwIfAborted();
    }
  }
}

const sentenceOf = (error: unknown): string =>
  error instanceof StepFailedError || error instanceof DriverError
    ? error.message
    : `internal error: ${String(error)}`;
