import type { Readable } from 'node:stream';
import { dialer, type Dialer, type TlsOptions } from './dial.js';
import { LibvirtConnectionError, LibvirtTimeoutError } from './errors.js';
import { EventRegistry } from './event-registry.js';
import type { DomainEventID, DomainEventOf, DomainEventSubscription } from './events.js';
import { ConnectOpen } from './flags.js';
import { shakeHands } from './handshake.js';
import type { KeepAliveOptions } from './keepalive.js';
import type { CallOptions } from './protocol/procedure.js';
import type { CallName } from './protocol/table.js';
import { redial, type ReconnectOptions } from './redial.js';
import { RemoteCaller } from './remote-calls.js';
import type { ReturnOf } from './pending-calls.js';
import { Session } from './session.js';
import type { LibvirtStream, StreamOverflow } from './stream.js';
import { readInWindows } from './read-in-windows.js';
import type { Domain, StorageVol } from './types.js';
import { parseUri, type ParsedUri } from './uri.js';

export interface ConnectionOptions extends CallOptions {
  /** For every call that brings no limit of its own, for dialling, and for a stream's finish. 30,000 by default. */
  timeoutMs?: number;
  readOnly?: boolean;
  /** false: never ask for signs of life. */
  keepAlive?: KeepAliveOptions | false;
  /** For `+tls` URIs. */
  tls?: TlsOptions;
  /** In place of node:net and node:tls. */
  dial?: Dialer;
  /** Dial again when the transport is lost, and register event callbacks again. Calls are never repeated. */
  reconnecting?: boolean | ReconnectOptions;
  /** How much a stream may hold that nobody has read. 1 MiB by default. */
  streamBufferBytes?: number;
  /**
   * 'abort' (by default) ends a stream that holds that much unread; 'hold' stops reading the whole connection until
   * it has been read: calls and events wait with it, and a server gives up on a client that does not answer its pings.
   */
  streamOverflow?: StreamOverflow;
}

type Settings = Omit<ConnectionOptions, 'signal'> & {
  timeoutMs: number;
  streamBufferBytes: number;
  streamOverflow: StreamOverflow;
  dial: Dialer;
};

/**
 * A connection to one libvirt driver. Its methods are libvirt's public API in camelCase; each takes the call's
 * {@link CallOptions} last, rejects with LibvirtError when libvirt says no, LibvirtTimeoutError when it says
 * nothing, LibvirtConnectionError when there is nobody to ask, and never waits for ever.
 */
export class Connection extends RemoteCaller {
  private session: Session | undefined;
  private readonly registry = new EventRegistry();
  private readonly closing = new AbortController();

  private constructor(
    private readonly uri: ParsedUri,
    private readonly settings: Settings,
  ) {
    super();
  }

  /**
   * Dials, authenticates and opens the driver the URI names (see {@link parseUri}).
   * @param options.signal gives up the opening
   */
  static async open(uri: string, options: ConnectionOptions = {}): Promise<Connection> {
    const {
      signal,
      timeoutMs = 30_000,
      streamBufferBytes = 1_048_576,
      streamOverflow = 'abort',
      dial = dialer(options.tls),
      ...rest
    } = options;
    const connection = new Connection(parseUri(uri, rest.readOnly), {
      ...rest,
      timeoutMs,
      streamBufferBytes,
      streamOverflow,
      dial,
    });
    const session = await connection.establish(signal);
    if (!session.isOpen)
      throw new LibvirtConnectionError('connectOpen: the connection was lost again at once');
    connection.session = session;
    return connection;
  }

  /** False during the gap of a reconnection, and after the end. */
  get isOpen(): boolean {
    return this.session?.isOpen ?? false;
  }

  /** Ends the connection; what is under way rejects. Safe to call twice. */
  async close(options: CallOptions = {}): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new LibvirtConnectionError('the connection was closed'));
    const session = this.session;
    this.session = undefined;
    if (session?.isOpen) {
      // The driver is told, but an ill daemon cannot keep us.
      await session.call('connectClose', [], { timeoutMs: 1_000, ...options }).catch(() => undefined);
      session.close();
    }
    this.emit('closed');
  }

  /** Free, total, buffers and cached memory in KiB. @param cellNum a NUMA cell; -1 is the whole host */
  async nodeGetMemoryStats(cellNum = -1, flags = 0, options?: CallOptions): Promise<Record<string, number>> {
    const session = this.current('nodeGetMemoryStats');
    // The driver wants the exact number of parameters, and tells it when asked for none.
    const { nparams } = await session.call('nodeGetMemoryStats', [0, cellNum, flags], options);
    const { stats } = await session.call('nodeGetMemoryStats', [nparams, cellNum, flags], options);
    return Object.fromEntries(stats);
  }

  /** @param devName a console, serial or parallel alias; null for the first. @param flags of DomainConsole */
  async domainOpenConsole(
    dom: Domain,
    devName?: string | null,
    flags?: number,
    options?: CallOptions,
  ): Promise<LibvirtStream> {
    return this.current('domainOpenConsole').openStream('domainOpenConsole', [dom, devName, flags], options);
  }

  /** @param name a channel's target name or alias; null for the first. @param flags of DomainChannel */
  async domainOpenChannel(
    dom: Domain,
    name?: string | null,
    flags?: number,
    options?: CallOptions,
  ): Promise<LibvirtStream> {
    return this.current('domainOpenChannel').openStream('domainOpenChannel', [dom, name, flags], options);
  }

  /** Write the bytes, then `end()`: 'finish' means libvirt has them. @param lengthBytes 0 is no limit */
  async storageVolUpload(
    vol: StorageVol,
    offsetBytes = 0,
    lengthBytes = 0,
    flags = 0,
    options?: CallOptions,
  ): Promise<LibvirtStream> {
    return this.current('storageVolUpload').openStream(
      'storageVolUpload',
      [vol, offsetBytes, lengthBytes, flags],
      options,
    );
  }

  /**
   * The volume's bytes. They are asked for a window of streamBufferBytes at a time, since libvirt cannot be held
   * back: a slow reader is safe. What is written to the volume meanwhile may be seen. @param lengthBytes 0 is to its end
   */
  async storageVolDownload(
    vol: StorageVol,
    offsetBytes = 0,
    lengthBytes = 0,
    flags = 0,
    options?: CallOptions,
  ): Promise<Readable> {
    const open = (at: number, length: number): Promise<LibvirtStream> =>
      this.current('storageVolDownload').openStream('storageVolDownload', [vol, at, length, flags], options);
    return readInWindows(open, offsetBytes, lengthBytes || Infinity, this.settings.streamBufferBytes);
  }

  /** Calls back for every such event of the domain, or of all domains with null, until deregistered. */
  async connectDomainEventRegisterAny<ID extends DomainEventID>(
    dom: Domain | null,
    eventID: ID,
    callback: (event: DomainEventOf[ID]) => void,
    options?: CallOptions,
  ): Promise<DomainEventSubscription> {
    return this.registry.register(
      () => this.current('connectDomainEventRegisterAny'),
      { dom, eventID, callback: callback as (event: DomainEventOf[DomainEventID]) => void },
      options,
    );
  }

  protected override call<N extends CallName>(
    name: N,
    args: unknown[],
    options?: CallOptions,
  ): Promise<ReturnOf<N>> {
    try {
      return this.current(name).call(name, args as never, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private current(name: string): Session {
    if (this.session?.isOpen) return this.session;
    throw new LibvirtConnectionError(`${name}: not connected`);
  }

  private async establish(caller?: AbortSignal): Promise<Session> {
    const { timeoutMs, streamBufferBytes, streamOverflow, readOnly, keepAlive = {} } = this.settings;
    const clock = new AbortController();
    const timer = setTimeout(() => clock.abort(new LibvirtTimeoutError('connectOpen', timeoutMs)), timeoutMs);
    const signal = AbortSignal.any([clock.signal, this.closing.signal, ...(caller ? [caller] : [])]);
    let session: Session | undefined;
    try {
      const socket = await this.settings.dial(this.uri.target, signal);
      const opened = new Session(socket, {
        timeoutMs,
        streamBufferBytes,
        streamOverflow,
        onEvent: (message) => this.registry.deliver(message),
        onEnd: (error) => this.lost(opened, error),
      });
      session = opened;
      await shakeHands(session, {
        name: this.uri.name,
        flags: readOnly ? ConnectOpen.RO : 0,
        keepAlive,
        timeoutMs,
        signal,
      });
      await this.registry.restore(session, { timeoutMs, signal });
      return session;
    } catch (error) {
      session?.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A session ended by itself. One that never became ours is its opener's to report. */
  private lost(session: Session, error: LibvirtConnectionError | undefined): void {
    if (session !== this.session || !error) return;
    this.session = undefined;
    const { reconnecting } = this.settings;
    if (reconnecting) void this.reconnect(reconnecting === true ? {} : reconnecting);
    this.emit('disconnected', error);
    if (reconnecting) return;
    this.closing.abort(error);
    this.emit('closed', error);
  }

  private async reconnect(options: ReconnectOptions): Promise<void> {
    const session = await redial(() => this.establish(), options, this.closing.signal);
    if (this.closing.signal.aborted) session?.close();
    if (!session || this.closing.signal.aborted) return;
    if (!session.isOpen) return this.reconnect(options);
    this.session = session;
    this.emit('reconnected');
  }
}
