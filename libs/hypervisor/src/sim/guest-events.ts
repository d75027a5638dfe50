import type { GuestEventKind } from '@bellows/operations/ports/host-driver';
import { settledAt, type ModelGuest } from './model-guest.js';

export interface DatedEvent {
  readonly at: number;
  readonly kind: GuestEventKind;
}

/** What has happened and will happen to a guest, as far as its record knows. */
export function eventsOf(guest: ModelGuest | null | undefined): DatedEvent[] {
  const run = guest?.run;
  if (!guest || !run) return [];
  const events: DatedEvent[] = [{ at: run.startedAt, kind: 'started' }];
  if (run.resetAt !== null) events.push({ at: run.resetAt, kind: 'reset' });
  if (run.agentReadyAt !== null) events.push({ at: run.agentReadyAt, kind: 'agent-connected' });
  if (run.memory.length > 1) events.push({ at: settledAt(run.memory), kind: 'memory-changed' });
  const endsAt = run.endsAt;
  if (endsAt === null) return events;
  return [...events.filter((event) => event.at <= endsAt), { at: endsAt, kind: 'stopped' }];
}

/** What a change of the record adds. */
export function newEvents(before: ModelGuest | null | undefined, after: ModelGuest | null): DatedEvent[] {
  const known = eventsOf(before);
  return eventsOf(after).filter(
    (event) => !known.some((other) => other.at === event.at && other.kind === event.kind),
  );
}

/** Whether an event that was due has not been called off since. */
export const stillHolds = (guest: ModelGuest | null | undefined, event: DatedEvent): boolean =>
  eventsOf(guest).some((other) => other.at === event.at && other.kind === event.kind);
