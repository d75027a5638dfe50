import { ErrorCode } from '@bellows/node-libvirt/error-codes';
import { LibvirtConnectionError, LibvirtError, LibvirtTimeoutError } from '@bellows/node-libvirt/errors';
import {
  DeadlineError,
  DriverError,
  HostUnreachableError,
  HypervisorRefusedError,
} from '@bellows/operations/ports/driver-errors';
import type { Deadline } from './deadline.js';

/** What may go away by itself: another job on the domain, a busy cgroup, memory that is short now. */
const passing: ReadonlySet<number> = new Set([
  ErrorCode.OPERATION_TIMEOUT,
  ErrorCode.RESOURCE_BUSY,
  ErrorCode.AGENT_UNRESPONSIVE,
  ErrorCode.NO_MEMORY,
  ErrorCode.SYSTEM_ERROR,
  ErrorCode.RPC,
]);

const longestReason = 300;

/**
 * What went wrong, for a person who may be a customer. When our hook on the host refuses a guest, libvirt repeats
 * the whole command with its environment; only the hook's own words are of use.
 */
export function reasonOf({ code, message }: LibvirtError): string {
  const hookSays = code === ErrorCode.HOOK_SCRIPT_FAILED ? message.lastIndexOf('bellows: ') : -1;
  if (code === ErrorCode.HOOK_SCRIPT_FAILED && hookSays < 0) return 'a hook of the host refused it';
  return (hookSays < 0 ? message : message.slice(hookSays)).trim().slice(0, longestReason);
}

/** Any failure as the port's callers know it. What is none of libvirt's stays as it is: a bug. */
export function asDriverError(error: unknown, verb: string, deadline: Deadline | null): unknown {
  if (error instanceof DriverError) return error;
  if (error instanceof LibvirtTimeoutError) {
    const late = deadline !== null && deadline.remainingMs <= 0;
    return late
      ? new DeadlineError(`${verb}: ${error.message}`)
      : new HostUnreachableError(`${verb}: ${error.message}`, { cause: error });
  }
  if (error instanceof LibvirtConnectionError) {
    return new HostUnreachableError(`${verb}: ${error.message}`, { cause: error });
  }
  if (error instanceof LibvirtError) {
    const message = `${verb}: ${error.procedure}: ${reasonOf(error)}`;
    if (passing.has(error.code)) return new DriverError(message, true, { cause: error });
    return new HypervisorRefusedError(message, { cause: error });
  }
  return error;
}
