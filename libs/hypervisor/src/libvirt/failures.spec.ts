import { describe, expect, it } from '@jest/globals';
import { ErrorCode } from '@bellows/node-libvirt/error-codes';
import { LibvirtConnectionError, LibvirtError, LibvirtTimeoutError } from '@bellows/node-libvirt/errors';
import {
  DeadlineError,
  DriverError,
  HostUnreachableError,
  HypervisorRefusedError,
  StaleFenceError,
} from '@bellows/operations/ports/driver-errors';
import { Deadline } from './deadline.js';
import { asDriverError, reasonOf } from './failures.js';

const said = (code: number, message = 'no') =>
  new LibvirtError(code, 10, 2, message, 'domainCreateWithFlags');
const later = Deadline.after(60_000, Date.now);
const past = Deadline.after(-1, Date.now);

describe('a failure', () => {
  it('is worth another attempt when it may pass by itself', () => {
    for (const code of [ErrorCode.RESOURCE_BUSY, ErrorCode.OPERATION_TIMEOUT, ErrorCode.NO_MEMORY]) {
      expect(asDriverError(said(code), 'verb', later)).toMatchObject({ retryable: true });
    }
    expect(asDriverError(said(ErrorCode.CONFIG_UNSUPPORTED), 'verb', later)).toBeInstanceOf(
      HypervisorRefusedError,
    );
  });

  it('of the connection is one of the host, and one of time only when time is up', () => {
    const timeout = new LibvirtTimeoutError('domainGetInfo', 10);
    expect(asDriverError(timeout, 'verb', later)).toBeInstanceOf(HostUnreachableError);
    expect(asDriverError(timeout, 'verb', past)).toBeInstanceOf(DeadlineError);
    expect(asDriverError(new LibvirtConnectionError('gone'), 'verb', later)).toBeInstanceOf(
      HostUnreachableError,
    );
  });

  it('that the port knows already stays, and so does a bug', () => {
    const stale = new StaleFenceError('old');
    const bug = new TypeError('bug');
    expect(asDriverError(stale, 'verb', later)).toBe(stale);
    expect(asDriverError(bug, 'verb', later)).toBe(bug);
  });

  it('of the hook is told in its own words, without the environment it ran in', () => {
    const message =
      'Hook script execution failed: internal error: Child process (LC_ALL=C PATH=/root/bin HOME=/root ' +
      '/etc/libvirt/hooks/qemu.d/bellows i-1 prepare begin -) unexpected exit status 1: ' +
      'bellows: i-1: an address or tap is in use by i-2\n';
    const refused = asDriverError(
      said(ErrorCode.HOOK_SCRIPT_FAILED, message),
      'ensureStarted',
      later,
    ) as DriverError;
    expect(refused.message).toBe(
      'ensureStarted: domainCreateWithFlags: bellows: i-1: an address or tap is in use by i-2',
    );
    expect(reasonOf(said(ErrorCode.HOOK_SCRIPT_FAILED, 'PATH=/root'))).not.toContain('PATH');
    expect(reasonOf(said(ErrorCode.XML_ERROR, 'x'.repeat(10_000))).length).toBe(300);
  });
});
