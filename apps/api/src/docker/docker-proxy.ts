import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isRefusal, refuse } from '@bellows/domain/refusal';
import type { TokenId } from '@bellows/domain/ids';
import { carry } from '@bellows/engine/proxy/carry';
import type { Caller } from '@bellows/engine/proxy/exchange';
import { Pace } from '@bellows/engine/proxy/pace';
import { passageHeaders } from '@bellows/engine/proxy/passage';
import { codeHeader } from '@bellows/engine/proxy/problem';
import { replyOn, replyProblem } from '@bellows/engine/proxy/reply';
import type { HeaderList } from '@bellows/engine/proxy/request';
import type { Principal } from '@bellows/operations/cloud';
import type { EpochMs } from '@bellows/operations/ports/rows';
import type { EngineJobs } from '../engine-jobs/recorder.js';
import { problemFor } from '../http/problem.filter.js';
import { problemOf, protocolProblem, retryAfterOf, type Problem } from '../http/problem.js';
import type { Admitted, DockerAdmission } from './admission.js';
import { gatewayLine, type GatewayAddress } from './gateway-line.js';
import type { OpenStreams } from './open-streams.js';
import type { WayIn } from './way-in.js';

const gatewayDown = refuse('unavailable', 'The gateway to the container engines does not answer. Try again.');

/** About 128 MB a second for a process: beyond that, those who wait for short answers of the API would notice. */
const paceBytesPerMs = 128 * 1024;
const burstBytes = 512 * 1024;

/** Carries what it may to the gateway, and the answers back. */
export class DockerProxy {
  readonly #pace = new Pace(paceBytesPerMs, burstBytes);

  constructor(
    private readonly admission: DockerAdmission,
    private readonly streams: OpenStreams,
    private readonly jobs: Pick<EngineJobs, 'begin'>,
    private readonly gateway: GatewayAddress | null,
    private readonly trouble: (error: unknown) => void,
  ) {}

  /**
   * Answers in every case; never rejects.
   * @param admitted hears who asks before the bytes flow.
   * @returns when it is over: the code of the problem that was answered, null without one.
   */
  async serve(
    way: WayIn,
    caller: Caller,
    requestId: string,
    admitted: (principal: Principal) => void,
  ): Promise<string | null> {
    try {
      const verdict = await this.admission.admit(way, caller.incoming, requestId);
      if (isRefusal(verdict)) return this.#refuse(caller, problemOf(verdict), requestId, way.challenge);
      admitted(verdict.principal);
      return await this.#carry(caller, verdict, way.until(caller.incoming), requestId);
    } catch (error) {
      const problem = problemFor(error);
      if (!problem) this.trouble(error);
      return this.#refuse(caller, problem ?? internal, requestId);
    }
  }

  async #carry(
    caller: Caller,
    admitted: Admitted,
    until: EpochMs | null,
    requestId: string,
  ): Promise<string | null> {
    const { request, principal, instanceId, host } = admitted;
    const { gateway } = this;
    const job = this.jobs.begin(admitted);
    const far = gateway && (await gatewayLine(gateway).catch(() => null));
    if (!gateway || !far) {
      job.ended({ how: 'failed', status: 503 }, [], null);
      return this.#refuse(caller, problemOf(gatewayDown), requestId);
    }
    const line: ServerResponse | Duplex = caller.kind === 'call' ? caller.outgoing : caller.socket;
    const cut = (): void => void line.destroy();
    const closed = this.streams.add({ tokenId: principal.actor as TokenId, instanceId, until, cut });
    let code: string | null = null;
    const sign = (status: number, raw: readonly string[]): HeaderList => {
      job.answered(status, raw);
      code = valueOf(raw, codeHeader);
      return [['X-Request-Id', requestId], ...retryAfter(code)];
    };
    const passage = passageHeaders({ host, instanceId, principal: principal.actor }, gateway.secret);
    const headers = [...request.headers, ...passage];
    const exchange = { request: { ...request, headers }, caller, sign, pace: this.#pace };
    const ended = await carry(exchange, far).finally(closed);
    job.ended(ended, headers, far);
    return ended.how === 'failed' ? (code ?? 'engine-unreachable') : code;
  }

  #refuse(caller: Caller, problem: Problem, requestId: string, challenge: HeaderList = []): string {
    const outgoing = caller.kind === 'call' ? caller.outgoing : replyOn(caller.socket, caller.incoming);
    if (outgoing.headersSent || outgoing.destroyed) {
      outgoing.destroy();
      return problem.code;
    }
    const { status, code, title, detail, ...more } = problem;
    const asked = status === 401 ? challenge : [];
    const headers: HeaderList = [['X-Request-Id', requestId], ...asked, ...retryAfter(code)];
    replyProblem(outgoing, { status, code, title, detail }, headers, more);
    return code;
  }
}

const internal = protocolProblem(
  500,
  'Something broke on our side',
  'internal',
  'The failure is in the log, under the request id of this answer.',
);

const retryAfter = (code: string | null): HeaderList => {
  const seconds = code === null ? undefined : retryAfterOf(code);
  return seconds === undefined ? [] : [['Retry-After', String(seconds)]];
};

function valueOf(raw: readonly string[], name: string): string | null {
  const at = raw.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at < 0 ? null : raw[at + 1]!;
}
