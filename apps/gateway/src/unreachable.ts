import {
  notRunning,
  tooMany,
  unavailable,
  unreachable,
  type EngineProblem,
} from '@bellows/engine/proxy/problem';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';

/** How HTTP says that a stream into a guest could not be opened. */
export function problemOf(error: unknown): EngineProblem {
  if (!(error instanceof GuestUnreachableError)) {
    return unavailable('The server that the instance runs on cannot be reached. Try again.');
  }
  switch (error.reason) {
    case 'not-running':
      return notRunning('The instance is not running, so its container engine is not either.');
    case 'too-many':
      return tooMany('Too many streams into this instance are open.');
    case 'silent':
      return unreachable('The instance does not answer on the line its container engine is reached by.');
    case 'refused':
      return unreachable('The container engine of the instance does not take connections.');
  }
}
