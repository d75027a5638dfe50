import type { GuestEvent } from '@bellows/operations/ports/host-driver';
import type { FleetClient } from './fleet-client.js';
import type { WatchLine } from './fleet-protocol.js';

type Listener = (event: GuestEvent) => void;

const reconnectMs = 500;
/** The fleet sends a blank line more often than this; a stream that is silent for longer is dead. */
const silenceMs = 15_000;

/** One stream of events for all hosts of a driver, opened while anybody listens, and again when it breaks. */
export class FleetWatch {
  private readonly listeners = new Map<string, Set<Listener>>();
  private stream: { close(): void } | null = null;
  private again: NodeJS.Timeout | null = null;
  private silence: NodeJS.Timeout | null = null;
  private rest = '';

  constructor(private readonly client: FleetClient) {}

  add(host: string, listener: Listener): { close(): void } {
    const of = this.listeners.get(host) ?? new Set();
    this.listeners.set(host, of.add(listener));
    if (!this.stream && !this.again) this.open();
    return {
      close: () => {
        of.delete(listener);
        if (of.size === 0) this.listeners.delete(host);
        if (this.listeners.size === 0) this.close();
      },
    };
  }

  close(): void {
    this.listeners.clear();
    if (this.again) clearTimeout(this.again);
    if (this.silence) clearTimeout(this.silence);
    this.again = this.silence = null;
    this.stream?.close();
    this.stream = null;
  }

  private open(): void {
    this.again = null;
    this.rest = '';
    const stream = this.client.stream(
      '/v1/watch',
      (text) => this.read(text, stream),
      () => this.ended(stream),
    );
    this.stream = stream;
    this.listenFor(stream);
  }

  private ended(stream: { close(): void }): void {
    if (this.stream !== stream) return;
    this.stream = null;
    if (this.silence) clearTimeout(this.silence);
    this.silence = null;
    this.again = setTimeout(() => this.open(), reconnectMs).unref();
  }

  private read(text: string, stream: { close(): void }): void {
    if (this.stream !== stream) return;
    this.listenFor(stream);
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop()!;
    for (const line of lines) {
      if (line === '') continue;
      const { host, instanceId, kind } = JSON.parse(line) as WatchLine;
      for (const listener of this.listeners.get(host) ?? []) listener({ instanceId, kind });
    }
  }

  private listenFor(stream: { close(): void }): void {
    if (this.silence) this.silence.refresh();
    else this.silence = setTimeout(() => stream.close(), silenceMs).unref();
  }
}
