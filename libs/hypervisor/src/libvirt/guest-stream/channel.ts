import { Connection } from '@bellows/node-libvirt/connection';
import { ErrorCode } from '@bellows/node-libvirt/error-codes';
import { LibvirtError } from '@bellows/node-libvirt/errors';
import { DomainEventID } from '@bellows/node-libvirt/events';
import { DomainChannel } from '@bellows/node-libvirt/flags';
import { DomainEventType } from '@bellows/node-libvirt/states';
import type { Domain } from '@bellows/node-libvirt/types';
import type { InstanceId } from '@bellows/domain/ids';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import type { HostRef } from '@bellows/operations/ports/host-driver';
import type { Duplex } from 'node:stream';
import { Deadline } from '../deadline.js';
import { asDriverError } from '../failures.js';
import { isActive, lookUpDomain, markOf } from '../guard.js';
import { streamsChannel } from '../xml/domain.js';

/** An open channel into a running guest. */
export interface GuestChannel {
  readonly transport: Duplex;
  /** Calls back when the guest is no longer the one the channel was opened to: it stopped, or was reset. */
  onGone(listener: (error: Error) => void): void;
  close(): Promise<void>;
}

/** @throws GuestUnreachableError, or an error of `driver-errors` when the host is the trouble */
export type DialChannel = (
  host: HostRef,
  instanceId: InstanceId,
  signal: AbortSignal,
) => Promise<GuestChannel>;

const dialMs = 10_000;
/** What lies unread before libvirt is held back; a packet of libvirt's is as large as that. */
const unreadBytes = 256 * 1024;

/**
 * A connection of its own for each guest: one that floods is held back at its socket, and holds up nobody else. The
 * events that concern it come on the same connection, and so never after what the next guest in that domain says.
 */
export const dialChannel: DialChannel = async (host, instanceId, signal) => {
  const deadline = Deadline.after(dialMs, Date.now);
  try {
    const connection = await Connection.open(host.uri, {
      ...deadline.call('connect'),
      signal,
      streamBufferBytes: unreadBytes,
      streamOverflow: 'hold',
    });
    try {
      return await openChannel(connection, instanceId, deadline);
    } catch (error) {
      await connection.close();
      throw error;
    }
  } catch (error) {
    throw asDriverError(error, 'open a stream', deadline);
  }
};

async function openChannel(
  connection: Connection,
  instanceId: InstanceId,
  deadline: Deadline,
): Promise<GuestChannel> {
  const domain = await runningGuest(connection, instanceId, deadline);
  const gone = await watchForEnd(connection, domain, deadline);
  const transport = await openPort(connection, domain, deadline);
  return { transport, onGone: gone, close: () => connection.close() };
}

async function runningGuest(
  connection: Connection,
  instanceId: InstanceId,
  deadline: Deadline,
): Promise<Domain> {
  const domain = await lookUpDomain(connection, instanceId, deadline);
  const ours =
    domain && isActive({ domain }) && (await markOf(connection, domain, deadline))?.instanceId === instanceId;
  if (ours) return domain;
  throw new GuestUnreachableError('not-running', `instance ${instanceId} is not running`);
}

async function openPort(connection: Connection, domain: Domain, deadline: Deadline): Promise<Duplex> {
  try {
    // Whoever has the channel open is a process of ours that was replaced, or has not noticed yet.
    return await connection.domainOpenChannel(
      domain,
      streamsChannel,
      DomainChannel.FORCE,
      deadline.call('open a stream'),
    );
  } catch (error) {
    const code = error instanceof LibvirtError ? error.code : null;
    if (code === ErrorCode.OPERATION_INVALID) {
      throw new GuestUnreachableError('not-running', `instance ${domain.name} is not running`, {
        cause: error,
      });
    }
    // So libvirt 9 says that a domain has no such channel.
    if (code !== ErrorCode.INTERNAL_ERROR) throw error;
    const why = 'it was started before guests had one, and gets it when it is stopped and started';
    throw new GuestUnreachableError('silent', `instance ${domain.name} has no channel for streams: ${why}`, {
      cause: error,
    });
  }
}

const ends: ReadonlySet<number> = new Set([DomainEventType.STOPPED, DomainEventType.CRASHED]);

/** Registered before the channel is opened, so that no end is missed. */
async function watchForEnd(
  connection: Connection,
  domain: Domain,
  deadline: Deadline,
): Promise<GuestChannel['onGone']> {
  const listeners = new Set<(error: Error) => void>();
  let end: Error | null = null;
  const tell = (what: string): void => {
    end ??= new GuestUnreachableError('not-running', `instance ${domain.name} ${what}`);
    for (const listener of listeners) listener(end);
  };
  await connection.connectDomainEventRegisterAny(
    domain,
    DomainEventID.LIFECYCLE,
    ({ event }) => void (ends.has(event) && tell('has stopped')),
    deadline.call('watch'),
  );
  await connection.connectDomainEventRegisterAny(
    domain,
    DomainEventID.REBOOT,
    () => tell('was reset'),
    deadline.call('watch'),
  );
  return (listener) => {
    listeners.add(listener);
    if (end) listener(end);
  };
}
