import type { EngineJobId, InstanceId } from '@bellows/domain/ids';
import type { Page, PageAsk } from './page.js';
import type { EpochMs } from './rows.js';

export const engineJobOutcomes = ['running', 'succeeded', 'failed', 'cut'] as const;
/** `cut`: ended before the engine was done, by the caller, by us, or because the recording process died. */
export type EngineJobOutcome = (typeof engineJobOutcomes)[number];

export const engineSubjectKinds = ['container', 'image', 'network', 'volume'] as const;
export type EngineSubjectKind = (typeof engineSubjectKinds)[number];

/** What a job is about. Texts are a caller's or a guest's word: short, without control characters, only to be shown. */
export interface EngineSubject {
  readonly kind: EngineSubjectKind;
  readonly id: string | null;
  readonly name: string | null;
}

/** What an engine said of itself while a job ran, reduced to what is shown of it. */
export interface EngineEvent {
  /** When it arrived here: a guest's clock proves nothing. */
  readonly at: EpochMs;
  /** By the guest's clock, with fractions: tells a repeated event from another like it. */
  readonly guestAt: number;
  /** `container`, `image`, `network`, … */
  readonly type: string;
  /** `create`, `start`, `die`, … without what follows a colon. */
  readonly action: string;
  readonly id: string;
  readonly name: string | null;
  readonly image: string | null;
  readonly execId: string | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** One call of an instance's engine: what was asked, what it became, how it went. Observed, not decided. */
export interface EngineJob {
  readonly id: EngineJobId;
  readonly instanceId: InstanceId;
  /** Token id. */
  readonly principal: string;
  /** The template, such as `POST /containers/{id}/start`. */
  readonly route: string;
  /** What a docker command it is, such as `container start`. */
  readonly verb: string;
  readonly subjects: readonly EngineSubject[];
  readonly startedAt: EpochMs;
  /** Null while it runs. */
  readonly durationMs: number | null;
  readonly outcome: EngineJobOutcome;
  /** What the caller was answered; null before that, and when nothing was. */
  readonly httpStatus: number | null;
  /** Of the request's body, or sent on an upgraded connection. */
  readonly bytesIn: number;
  /** Of the answer's body, or received on an upgraded connection. */
  readonly bytesOut: number;
  /** How many calls alike it stands for: reads that follow each other closely are written as one. */
  readonly calls: number;
  readonly events: readonly EngineEvent[];
  /** Events of this job that were not kept. */
  readonly eventsDropped: number;
  /** The process that writes it; its death ends what still runs. */
  readonly recorder: string;
}

/** A change of a job, numbered within its instance: consecutive numbers, visible in their order. */
export interface EngineJobChange {
  readonly seq: number;
  readonly job: EngineJob;
}

/** How far an instance's jobs have been numbered, and up to where changes may have been removed. */
export interface EngineJobMarks {
  readonly lastSeq: number;
  /** Who has seen less may have missed something that is gone. */
  readonly trimmedSeq: number;
}

export interface EngineJobKeep {
  /** Of an instance; those that run do not count. */
  readonly jobs: number;
  readonly startedAfter: EpochMs;
}

/** The part of the store that remembers engine jobs. */
export interface EngineJobRecords {
  /** Writes jobs whole, new or again, in one statement. Those of instances that do not exist are left out. */
  recordEngineJobs(jobs: readonly EngineJob[]): Promise<void>;
  /** Newest first. */
  engineJobs(
    ask: PageAsk & { instanceId: InstanceId; verb?: string; outcome?: EngineJobOutcome },
  ): Promise<Page<EngineJob>>;
  /** Jobs in the order of their latest change, from the first one after `after`. */
  engineJobChanges(instanceId: InstanceId, after: number, limit: number): Promise<EngineJobChange[]>;
  /** Of these instances; zeroes for one that never had a job. */
  engineJobMarks(ids: readonly InstanceId[]): Promise<Map<InstanceId, EngineJobMarks>>;
  /** The number after which at most so many jobs have changed. */
  engineJobsBehind(instanceId: InstanceId, jobs: number): Promise<number>;
  /** This process is alive, by the database's clock. */
  beatRecorder(recorder: string): Promise<void>;
  /** Ends, as `cut`, what still runs of processes that have not been heard of for so long; returns how many. */
  cutOrphanedJobs(silentMs: number, limit: number): Promise<number>;
  /** Of these instances, what is beyond the bounds. */
  trimEngineJobs(ids: readonly InstanceId[], keep: EngineJobKeep): Promise<void>;
  /** Of all instances, what is too old. */
  pruneEngineJobs(startedBefore: EpochMs, limit: number): Promise<void>;
}
