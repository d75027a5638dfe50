import type { EngineJobId, InstanceId } from '@bellows/domain/ids';
import { learnt, type Candidate } from '@bellows/engine/jobs/match';
import type { JobRoute } from '@bellows/engine/jobs/routes';
import type {
  EngineEvent,
  EngineJob,
  EngineJobOutcome,
  EngineSubject,
} from '@bellows/operations/ports/engine-jobs';

const mostEvents = 24;
/** An event may come a moment after the answer of the call that caused it: they take two ways. */
const graceMs = 500;

export interface Begun {
  readonly id: EngineJobId;
  readonly instanceId: InstanceId;
  readonly principal: string;
  readonly route: JobRoute;
  readonly reads: boolean;
  readonly startedAt: number;
  readonly recorder: string;
}

/** A job that this process carries or has carried lately. */
export class LiveJob implements Candidate {
  endedAt: number | null = null;
  outcome: EngineJobOutcome = 'running';
  httpStatus: number | null = null;
  bytesIn = 0;
  bytesOut = 0;
  calls = 1;
  subjects: readonly EngineSubject[];
  /** Whether the store knows of it. */
  written = false;
  readonly #events: EngineEvent[] = [];
  #eventsDropped = 0;

  constructor(
    readonly begun: Begun,
    private readonly now: () => number,
  ) {
    this.subjects = begun.route.subjects;
  }

  get verb(): string {
    return this.begun.route.verb;
  }
  get expects(): readonly string[] {
    return this.begun.route.expects;
  }
  get execId(): string | null {
    return this.begun.route.execId;
  }
  get running(): boolean {
    return this.endedAt === null || this.now() - this.endedAt < graceMs;
  }

  heard(event: EngineEvent): void {
    this.subjects = learnt(this, event);
    if (this.#events.length < mostEvents) this.#events.push(event);
    else this.#eventsDropped += 1;
  }

  /** What makes another call one like it; null: it stands for itself. */
  get likeness(): string | null {
    const { reads, principal, route, instanceId } = this.begun;
    if (!reads || this.outcome !== 'succeeded' || this.#events.length > 0) return null;
    const about = this.subjects.map(({ kind, id, name }) => `${kind} ${id ?? name}`);
    return JSON.stringify([instanceId, principal, route.route, route.execId, about, this.httpStatus]);
  }

  /** Takes in a later call like itself. */
  join(other: LiveJob): void {
    this.calls += other.calls;
    this.bytesIn += other.bytesIn;
    this.bytesOut += other.bytesOut;
  }

  record(): EngineJob {
    const { id, instanceId, principal, route, startedAt, recorder } = this.begun;
    return {
      ...{ id, instanceId, principal, startedAt, recorder, route: route.route, verb: route.verb },
      subjects: this.subjects,
      durationMs: this.endedAt === null ? null : Math.max(0, this.endedAt - startedAt),
      outcome: this.outcome,
      httpStatus: this.httpStatus,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      calls: this.calls,
      events: this.#events,
      eventsDropped: this.#eventsDropped,
    };
  }
}
