import {
  DeadlineError,
  DriverError,
  ForeignOwnerError,
  HostUnreachableError,
  HypervisorRefusedError,
  StaleFenceError,
} from '@bellows/operations/ports/driver-errors';
import type { Fence, GuestEvent } from '@bellows/operations/ports/host-driver';
import type { GuestVerb } from './guest-verbs.js';

/**
 * What the fleet process and its clients say to each other: JSON over HTTP/1.1, `Authorization: Bearer` on all
 * but `/healthz`.
 *
 *     POST   /v1/perform           VerbRequest                          → 204
 *     POST   /v1/enrol, /release   {host, controllerId}                 → 204
 *     POST   /v1/observe-host      {host}                               → HostObservation
 *     POST   /v1/observe           {host, instanceId, askGuest}         → GuestObservation
 *     POST   /v1/observe-many      {host, instanceIds, askGuest}        → {guests: {[instanceId]: GuestObservation}}
 *     POST   /v1/list              {host}                               → {guests: ListedGuest[]}
 *     GET    /v1/watch                                                  → WatchLine, one a line, and blank heartbeats
 *     GET    /v1/hosts                                                  → {hosts: HostInventory[]}
 *     PUT    /v1/hosts             HostSpec                             → 204
 *     DELETE /v1/hosts/{name}                                           → 204
 *     GET    PUT /v1/faults        Faults                               → Faults
 *     POST   /v1/reset             {host, instanceId}: the guest reboots → 204
 *     POST   /v1/foreign           {host, instanceId, size, controllerId} → 204
 *     GET    /healthz                                                   → {ok: true}
 *     GET    /v1/guest-stream?host=&instance=&target=docker, Upgrade: bellows-stream → 101, then a FramedStream
 *
 * A refusal is `{error: {code, message}}`.
 */
export interface VerbRequest {
  readonly host: string;
  readonly fence: Fence;
  readonly verb: GuestVerb;
}

export interface WatchLine extends GuestEvent {
  readonly host: string;
}

export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string };
}

const codes = {
  'stale-fence': { status: 409, make: (message: string) => new StaleFenceError(message) },
  deadline: { status: 408, make: (message: string) => new DeadlineError(message) },
  foreign: { status: 403, make: (message: string) => new ForeignOwnerError(message) },
  refused: { status: 422, make: (message: string) => new HypervisorRefusedError(message) },
  unreachable: { status: 503, make: (message: string) => new HostUnreachableError(message) },
} as const;

type Code = keyof typeof codes;

/** How an error of the model is told; what is none of `driver-errors` is a bug, told as `internal`. */
export function codeOf(error: unknown): { code: string; status: number; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeNameOf(error);
  return code ? { code, status: codes[code].status, message } : { code: 'internal', status: 500, message };
}

function codeNameOf(error: unknown): Code | null {
  if (error instanceof StaleFenceError) return 'stale-fence';
  if (error instanceof DeadlineError) return 'deadline';
  if (error instanceof ForeignOwnerError) return 'foreign';
  if (error instanceof HypervisorRefusedError) return 'refused';
  return error instanceof HostUnreachableError ? 'unreachable' : null;
}

/** The error a refusal stands for; one whose code is not known is a bug, and not retryable. */
export function errorOf(status: number, body: string): DriverError {
  try {
    const { error } = JSON.parse(body) as ErrorBody;
    const known = codes[error.code as Code];
    return known
      ? known.make(error.message)
      : new DriverError(`fleet answered ${status}: ${error.message}`, false);
  } catch {
    return new DriverError(`fleet answered ${status} with something that is not its protocol`, false);
  }
}
