import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { InstanceId, NewId } from '@bellows/domain/ids';
import { jobsOf } from '@bellows/engine/jobs/match';
import { jobRoute } from '@bellows/engine/jobs/routes';
import type { Ended } from '@bellows/engine/proxy/exchange';
import type { EngineRequest, HeaderList } from '@bellows/engine/proxy/request';
import type { EngineEvent } from '@bellows/operations/ports/engine-jobs';
import type { EngineWatchers } from './engine-watchers.js';
import type { JobWriter } from './job-writer.js';
import { LiveJob } from './live-job.js';

/** Jobs that have ended stay at hand for events that come later, such as the end of what they started. */
const rememberedMs = 10 * 60_000;
const mostEnded = 64;

export interface AskedJob {
  readonly principal: { readonly actor: string };
  readonly instanceId: InstanceId;
  readonly request: EngineRequest;
}

/** What the proxy tells of a call that it carries. Never throws, and waits for nothing. */
export interface CarriedJob {
  /** @param raw headers as the gateway sent them. */
  answered(status: number, raw: readonly string[]): void;
  /** @param far the line to the gateway. */
  ended(ended: Ended, sent: HeaderList, far: Duplex | null): void;
}

const unrecorded: CarriedJob = { answered: () => undefined, ended: () => undefined };

/** The calls that this process carries into container engines, as jobs. */
export class EngineJobs {
  /** Newest first. */
  readonly #jobs = new Map<InstanceId, LiveJob[]>();
  #running = 0;

  constructor(
    private readonly writer: JobWriter,
    private readonly watchers: EngineWatchers,
    private readonly newId: NewId,
    private readonly recorder: string,
    private readonly now: () => number,
  ) {
    watchers.onEvent((instanceId, event) => this.#heard(instanceId, event));
  }

  get running(): number {
    return this.#running;
  }

  begin({ principal, instanceId, request }: AskedJob): CarriedJob {
    const route = jobRoute(request.method, request.path);
    if (!route) return unrecorded;
    const startedAt = this.now();
    const begun = { id: this.newId('engineJob'), instanceId, principal: principal.actor, route, startedAt };
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const job = new LiveJob({ ...begun, reads, recorder: this.recorder }, this.now);
    this.#keep(instanceId, job);
    this.#running += 1;
    this.writer.changed(job);
    const leave = route.expects.length > 0 ? this.watchers.hold(instanceId) : null;
    let headBytes = 0;
    return {
      answered: (status, raw) => {
        job.httpStatus = status;
        headBytes = headLength(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, raw);
      },
      ended: (ended, sent, far) => {
        leave?.();
        this.#running -= 1;
        measure(job, request, sent, headBytes, far);
        job.httpStatus = ended.status ?? job.httpStatus;
        job.outcome = outcomeOf(ended);
        job.endedAt = this.now();
        this.writer.ended(job);
      },
    };
  }

  /** Forgets what no event can concern any more. To be called now and then. */
  tidy(): void {
    const old = this.now() - rememberedMs;
    for (const [id, jobs] of this.#jobs) {
      const kept = jobs.filter(({ endedAt }) => endedAt === null || endedAt > old);
      if (kept.length === 0) this.#jobs.delete(id);
      else this.#jobs.set(id, kept);
    }
  }

  #keep(id: InstanceId, job: LiveJob): void {
    const jobs = this.#jobs.get(id) ?? [];
    jobs.unshift(job);
    if (jobs.length > mostEnded) {
      const last = jobs.findLastIndex(({ endedAt }) => endedAt !== null);
      if (last >= 0) jobs.splice(last, 1);
    }
    this.#jobs.set(id, jobs);
  }

  #heard(id: InstanceId, event: EngineEvent): void {
    for (const job of jobsOf(event, this.#jobs.get(id) ?? [])) {
      job.heard(event);
      this.writer.changed(job);
    }
  }
}

/** Whatever ends before the engine was done is cut, whoever did it: of a stream that is followed, that is the rule. */
function outcomeOf({ how, status }: Ended): 'succeeded' | 'failed' | 'cut' {
  if (how === 'gone') return 'cut';
  return how === 'done' && status !== null && status < 400 ? 'succeeded' : 'failed';
}

/** Of the line to the gateway, what is not the heads. Chunked bodies count with their framing. */
function measure(
  job: LiveJob,
  { bodyBytes, method, path, upgrade }: EngineRequest,
  sent: HeaderList,
  headBytes: number,
  far: Duplex | null,
): void {
  if (!(far instanceof Socket)) return;
  const head = headLength(`${method} ${path} HTTP/1.1`, sent.flat());
  const body = Math.max(0, far.bytesWritten - head);
  job.bytesIn = upgrade === null && bodyBytes !== null ? Math.min(bodyBytes, body) : body;
  job.bytesOut = headBytes === 0 ? 0 : Math.max(0, far.bytesRead - headBytes);
}

const headLength = (line: string, raw: readonly string[]): number =>
  raw.reduce((sum, text) => sum + text.length + 2, line.length + 4);
