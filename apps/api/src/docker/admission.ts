import type { IncomingMessage } from 'node:http';
import type { HostId, InstanceId } from '@bellows/domain/ids';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import { cleanRequest, isUnfit, type EngineRequest } from '@bellows/engine/proxy/request';
import type { Cloud, Principal } from '@bellows/operations/cloud';
import type { HostRef } from '@bellows/operations/ports/host-driver';
import type { Instance } from '@bellows/operations/ports/rows';
import { nothingThere, sees } from '@bellows/operations/views/visible';
import type { RateLimit } from '../http/rate-limit.js';
import { reachable } from './open-streams.js';
import { viewerMay } from './viewer-routes.js';
import type { WayIn } from './way-in.js';

/** What may be carried: a clean request, for whom, into which guest. */
export interface Admitted {
  readonly request: EngineRequest;
  readonly principal: Principal;
  readonly instanceId: InstanceId;
  readonly host: HostRef;
}

const hostRememberedMs = 60_000;
/** A docker command is a handful of calls. The project of an instance never changes; the gateway knows its state. */
const instanceRememberedMs = 1_000;
const attemptWrittenEveryMs = 10_000;
const mostRemembered = 10_000;

/** Decides on every request to a guest's engine, calls and upgrades alike, whichever way it comes in. */
export class DockerAdmission {
  readonly #hosts = new Map<HostId, { ref: HostRef; until: number }>();
  readonly #instances = new Map<InstanceId, { instance: Instance; until: number }>();
  readonly #attempts = new Map<string, number>();

  constructor(
    private readonly cloud: Cloud,
    private readonly limit: RateLimit,
  ) {}

  async admit(way: WayIn, incoming: IncomingMessage, requestId: string): Promise<Admitted | Refusal> {
    const principal = await this.#principal(way, incoming);
    if (isRefusal(principal)) return principal;
    const path = way.path(incoming);
    if (!path) return nothingThere('route');
    const { method = '', rawHeaders } = incoming;
    const request = cleanRequest({ method, path: path.rest, rawHeaders });
    if (isUnfit(request)) return refuse('invalid', request.unfit);
    const instance = await this.#seen(principal, path.instanceId, requestId);
    if (isRefusal(instance)) return instance;
    if (principal.role === 'viewer') {
      const may = request.upgrade === null && viewerMay(method, request.path.split('?', 1)[0]!);
      if (!may) return refuse('forbidden', 'A viewer may look at containers and images, and change nothing.');
    }
    if (!reachable.includes(instance.state)) {
      const { state } = instance;
      return refuse(
        'wrong-state',
        `The container engine of an instance that is ${state} cannot be reached.`,
        {
          state,
        },
      );
    }
    const host = await this.#host(instance.hostId);
    if (!host) return refuse('unavailable', 'The server of the instance is not enrolled any more.');
    return { request, principal, instanceId: instance.id, host };
  }

  async #principal(way: WayIn, incoming: IncomingMessage): Promise<Principal | Refusal> {
    const principal = await way.principal(incoming);
    // A build makes many calls: they are counted by themselves, not with those of the API.
    const who = principal ? `docker ${principal.actor}` : `docker ip ${incoming.socket.remoteAddress}`;
    if (!this.limit.off) {
      const { allowed, limit } = this.limit.take(who);
      if (!allowed) return refuse('rate-limited', `At most ${limit} requests a second.`, { limit });
    }
    return principal ?? refuse('unauthorized', way.whatToShow);
  }

  async #seen(principal: Principal, id: InstanceId | null, requestId: string): Promise<Instance | Refusal> {
    const instance = id === null ? null : await this.#instance(id);
    if (instance && sees(principal, instance.projectId) && instance.state !== 'deleted') return instance;
    if (id !== null) await this.#writeAttempt(principal, id, instance, requestId);
    return nothingThere('instance');
  }

  /** Told to the project whose token it was and, when there is one, to the project whose instance was meant. */
  async #writeAttempt(
    principal: Principal,
    id: InstanceId,
    instance: Instance | null,
    requestId: string,
  ): Promise<void> {
    const at = this.cloud.clock.now();
    const key = `${principal.actor} ${id}`;
    if ((this.#attempts.get(key) ?? 0) > at - attemptWrittenEveryMs) return;
    if (this.#attempts.size >= mostRemembered) this.#attempts.clear();
    this.#attempts.set(key, at);
    const projects = new Set([principal.projectId, instance?.projectId ?? principal.projectId]);
    const entry = { actor: principal.actor, action: 'instance.docker.refused', resource: id, requestId, at };
    await this.cloud.store.commit(
      [...projects].map((projectId) => ({ change: 'audit', entry: { ...entry, projectId } }) as const),
    );
  }

  async #instance(id: InstanceId): Promise<Instance | null> {
    const now = this.cloud.clock.now();
    const known = this.#instances.get(id);
    if (known && known.until > now) return known.instance;
    const instance = await this.cloud.store.instance(id);
    if (this.#instances.size >= mostRemembered) this.#instances.clear();
    // What cannot be reached now may be in a moment: only what can is worth remembering.
    if (instance && reachable.includes(instance.state)) {
      this.#instances.set(id, { instance, until: now + instanceRememberedMs });
    } else this.#instances.delete(id);
    return instance;
  }

  async #host(id: HostId): Promise<HostRef | null> {
    const now = this.cloud.clock.now();
    const known = this.#hosts.get(id);
    if (known && known.until > now) return known.ref;
    const host = await this.cloud.store.host(id);
    if (!host) return null;
    const ref = { id: host.id, driver: host.driver, uri: host.uri };
    this.#hosts.set(id, { ref, until: now + hostRememberedMs });
    return ref;
  }
}
