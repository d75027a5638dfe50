import type { InstanceId } from '@bellows/domain/ids';
import { HostUnreachableError } from '@bellows/operations/ports/driver-errors';
import {
  GuestUnreachableError,
  type GuestStreams,
  type GuestTarget,
} from '@bellows/operations/ports/guest-stream';
import type { HostRef } from '@bellows/operations/ports/host-driver';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { dialChannel, type DialChannel, type GuestChannel } from './channel.js';
import { nonceBytes } from './hello.js';
import { defaultLinkSettings, Link, type LinkSettings } from './link.js';
import { Turns } from './turns.js';

export interface LibvirtGuestStreamsOptions extends Partial<LinkSettings> {
  /** In place of libvirt. */
  readonly dial?: DialChannel;
}

/** What the first of two greetings may have of the time for both. */
const firstHelloShare = 0.4;

/**
 * Streams into guests that libvirt runs: one link a guest, opened at first need, closed when nothing has used it for
 * a while, and dropped with all its streams when the guest stops, is reset, goes silent or breaks the protocol. A
 * guest has one channel: another process that opens it takes it away, so one process serves a host's guests.
 */
export class LibvirtGuestStreams implements GuestStreams {
  private readonly links = new Map<string, Promise<Link>>();
  private readonly channels = new Set<Promise<void>>();
  private readonly dials = new Set<AbortController>();
  private closed: Error | null = null;
  private readonly turns = new Turns();
  private readonly settings: LinkSettings;
  private readonly dial: DialChannel;

  constructor({ dial = dialChannel, ...settings }: LibvirtGuestStreamsOptions = {}) {
    this.dial = dial;
    this.settings = { ...defaultLinkSettings, ...settings };
  }

  async open(
    host: HostRef,
    instanceId: InstanceId,
    target: GuestTarget,
    signal?: AbortSignal,
  ): Promise<Duplex> {
    const link = await unless(signal, this.liveLink(host, instanceId));
    return link.open(target);
  }

  async close(): Promise<void> {
    const reason = (this.closed ??= new HostUnreachableError('the streams into guests were closed'));
    for (const dial of this.dials) dial.abort(reason);
    for (const opening of this.links.values())
      void opening.then(
        (link) => link.end(reason),
        () => undefined,
      );
    await Promise.allSettled(this.links.values());
    await Promise.allSettled(this.channels);
  }

  /**
   * What carries streams in the guest may have been restarted, or be stuck, without the host having been told: a link
   * that has been quiet is asked first, and one that does not answer and carries nothing is opened anew.
   */
  private async liveLink(host: HostRef, instanceId: InstanceId): Promise<Link> {
    const link = await this.linkTo(host, instanceId);
    if (await link.isAlive()) return link;
    if (link.streamCount > 0 && !link.error) throw silent();
    link.end(silent());
    return this.linkTo(host, instanceId);
  }

  private linkTo(host: HostRef, instanceId: InstanceId): Promise<Link> {
    const key = `${host.uri} ${instanceId}`;
    const known = this.links.get(key);
    if (known) return known;
    const drop = (): void => {
      if (this.links.get(key) === opening) this.links.delete(key);
    };
    const opening: Promise<Link> = this.openLink(host, instanceId, drop);
    this.links.set(key, opening);
    opening.catch(drop);
    return opening;
  }

  /**
   * A HELLO may be eaten by a guest that was left in the middle of a frame and has not seen that the channel was closed
   * since. So the channel is closed and opened once more before the guest is called silent.
   */
  private async openLink(host: HostRef, instanceId: InstanceId, onEnd: () => void): Promise<Link> {
    const { helloMs } = this.settings;
    const firstMs = helloMs * firstHelloShare;
    const first = await this.greetedLink(host, instanceId, onEnd, firstMs).catch((error: unknown) => {
      if (error instanceof GuestUnreachableError && error.reason === 'silent') return null;
      throw error;
    });
    return first ?? this.greetedLink(host, instanceId, onEnd, helloMs - firstMs);
  }

  private async greetedLink(
    host: HostRef,
    instanceId: InstanceId,
    onEnd: () => void,
    withinMs: number,
  ): Promise<Link> {
    const channel = await this.openChannel(host, instanceId);
    let greeted = false;
    const link = new Link(channel.transport, randomBytes(nonceBytes), this.settings, this.turns, () => {
      if (greeted) onEnd();
      this.track(channel.close());
    });
    channel.onGone((error) => link.end(error));
    if (this.closed) link.end(this.closed);
    await link.greet(withinMs);
    greeted = true;
    return link;
  }

  private async openChannel(host: HostRef, instanceId: InstanceId): Promise<GuestChannel> {
    if (this.closed) throw this.closed;
    const dial = new AbortController();
    this.dials.add(dial);
    try {
      return await this.dial(host, instanceId, dial.signal);
    } finally {
      this.dials.delete(dial);
    }
  }

  private track(closing: Promise<void>): void {
    const done = closing.catch(() => undefined).finally(() => this.channels.delete(done));
    this.channels.add(done);
  }
}

const silent = (): GuestUnreachableError =>
  new GuestUnreachableError('silent', 'what carries streams in the guest does not answer');

/** The promise's end, or the signal's reason if that comes first; the promise goes on for others who wait for it. */
async function unless<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise;
  promise.catch(() => undefined);
  signal.throwIfAborted();
  let onAbort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
