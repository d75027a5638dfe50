import { isNoDomain, LibvirtConnectionError } from './errors.js';
import type {
  DomainEvent,
  DomainEventID,
  DomainEventOf,
  DomainEventSubscription,
  EventMessage,
} from './events.js';
import type { CallOptions } from './protocol/procedure.js';
import type { Session } from './session.js';
import type { Domain } from './types.js';

interface Wish {
  dom: Domain | null;
  eventID: DomainEventID;
  callback: (event: DomainEventOf[DomainEventID]) => void;
}

/** Which callbacks are wanted, and under which number the current session knows each. */
export class EventRegistry {
  private readonly wishes = new Set<Wish>();
  private byCallbackID = new Map<number, Wish>();

  async register(
    current: () => Session,
    wish: Wish,
    options?: CallOptions,
  ): Promise<DomainEventSubscription> {
    await this.ask(current(), wish, options);
    this.wishes.add(wish);
    return {
      eventID: wish.eventID,
      deregister: async (callOptions) => {
        this.wishes.delete(wish);
        const callbackID = this.callbackIDOf(wish);
        if (callbackID === undefined) return;
        this.byCallbackID.delete(callbackID);
        try {
          await current().call('connectDomainEventCallbackDeregisterAny', [callbackID], callOptions);
        } catch (error) {
          // With the session the registration has gone too.
          if (!(error instanceof LibvirtConnectionError)) throw error;
        }
      },
    };
  }

  /** Registers everything again on a new session; what watched a domain that is gone is dropped. */
  async restore(session: Session, options?: CallOptions): Promise<void> {
    this.byCallbackID = new Map();
    for (const wish of [...this.wishes]) {
      await this.ask(session, wish, options).catch((error) => {
        if (!isNoDomain(error)) throw error;
        this.wishes.delete(wish);
      });
    }
  }

  deliver({ callbackID, event }: EventMessage): void {
    const wish = this.byCallbackID.get(callbackID);
    if (!wish) return;
    try {
      (wish.callback as (event: DomainEvent) => void)(event);
    } catch (error) {
      // The caller's mistake must neither be swallowed nor break the reading of the next message.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  private async ask(session: Session, wish: Wish, options?: CallOptions): Promise<void> {
    await session.call('connectDomainEventCallbackRegisterAny', [wish.eventID, wish.dom], options, {
      // At once: the first event may stand right behind the answer.
      onReturn: (callbackID) => this.byCallbackID.set(callbackID, wish),
      onLateReturn: (callbackID) =>
        void session.call('connectDomainEventCallbackDeregisterAny', [callbackID]).catch(() => undefined),
    });
  }

  private callbackIDOf(wish: Wish): number | undefined {
    for (const [callbackID, known] of this.byCallbackID) if (known === wish) return callbackID;
    return undefined;
  }
}
