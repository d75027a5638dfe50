import { HostUnreachableError } from '@bellows/operations/ports/driver-errors';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import { codeOf, errorOf, type ErrorBody } from './fleet-protocol.js';

/** What `Upgrade` says. */
export const streamUpgrade = 'bellows-stream';
export const streamPath = '/v1/guest-stream';

const statusOf = { 'not-running': 409, 'too-many': 429, refused: 502, silent: 504 } as const;
type Reason = keyof typeof statusOf;

const isReason = (code: unknown): code is Reason => typeof code === 'string' && code in statusOf;

/** How the fleet tells why there is no stream. */
export function streamRefusal(error: unknown): { status: number; body: ErrorBody } {
  const { status, code, message } =
    error instanceof GuestUnreachableError
      ? { status: statusOf[error.reason], code: error.reason, message: error.message }
      : codeOf(error);
  return { status, body: { error: { code, message } } };
}

/** The error that a refusal stands for. */
export function streamErrorOf(status: number, body: string): Error {
  let code: unknown;
  let message = '';
  try {
    ({ code, message } = (JSON.parse(body) as ErrorBody).error);
  } catch {
    return new HostUnreachableError(`fleet answered ${status} with something that is not its protocol`);
  }
  return isReason(code) ? new GuestUnreachableError(code, message) : errorOf(status, body);
}
