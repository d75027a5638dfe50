import type { Connection } from '@bellows/node-libvirt/connection';
import { DomainEventID, type DomainEvent, type DomainEventSubscription } from '@bellows/node-libvirt/events';
import { AgentLifecycleState, DomainEventType } from '@bellows/node-libvirt/states';
import { looksLikeId, type InstanceId } from '@bellows/domain/ids';
import type { GuestEvent, GuestEventKind } from '@bellows/operations/ports/host-driver';

const lifecycle: Readonly<Record<number, GuestEventKind>> = {
  [DomainEventType.STARTED]: 'started',
  [DomainEventType.STOPPED]: 'stopped',
};

function kindOf(event: DomainEvent): GuestEventKind | undefined {
  switch (event.kind) {
    case 'lifecycle':
      return lifecycle[event.event];
    case 'reboot':
      return 'reset';
    case 'memory-device-size-change':
      return 'memory-changed';
    case 'agent-lifecycle':
      return event.state === AgentLifecycleState.CONNECTED ? 'agent-connected' : undefined;
    default:
      return undefined;
  }
}

/** Null for what is not of interest, and for domains whose name is none of ours. */
export function toGuestEvent(event: DomainEvent): GuestEvent | null {
  const kind = kindOf(event);
  const name = event.domain.name;
  return kind && looksLikeId('instance', name) ? { instanceId: name as InstanceId, kind } : null;
}

const watched = [
  DomainEventID.LIFECYCLE,
  DomainEventID.REBOOT,
  DomainEventID.AGENT_LIFECYCLE,
  DomainEventID.MEMORY_DEVICE_SIZE_CHANGE,
] as const;

type Listener = (event: GuestEvent) => void;

/** One registration a host, however many listen; begun with the first of them, and again whenever it is lost. */
export class EventHub {
  private readonly listeners = new Set<Listener>();
  private running: Promise<void> | null = null;
  private retry: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly connection: () => Promise<Connection>,
    private readonly retryMs = 1000,
  ) {}

  listen(listener: Listener): { close(): void } {
    // A wrapper, so that one function may listen twice.
    const own: Listener = (event) => listener(event);
    this.listeners.add(own);
    void this.ensureRegistered();
    return { close: () => void this.listeners.delete(own) };
  }

  /** Resolves when events arrive, or when the first attempt has failed. */
  ensureRegistered(): Promise<void> {
    this.running ??= this.register().catch(() => this.again());
    return this.running;
  }

  close(): void {
    this.closed = true;
    this.listeners.clear();
    clearTimeout(this.retry);
  }

  private async register(): Promise<void> {
    const connection = await this.connection();
    const made: DomainEventSubscription[] = [];
    // A connection that reconnects registers again by itself; this is for one that is gone for good.
    connection.once('closed', () => this.again());
    try {
      for (const id of watched) {
        made.push(
          await connection.connectDomainEventRegisterAny(null, id, (event: DomainEvent) => this.tell(event)),
        );
      }
    } catch (error) {
      await Promise.allSettled(made.map((subscription) => subscription.deregister()));
      throw error;
    }
  }

  private again(): void {
    this.running = null;
    if (this.closed || this.listeners.size === 0) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.ensureRegistered(), this.retryMs).unref();
  }

  private tell(event: DomainEvent): void {
    const guestEvent = toGuestEvent(event);
    if (!guestEvent) return;
    for (const listener of this.listeners) listener(guestEvent);
  }
}
