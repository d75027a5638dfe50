import { limits } from '../limits.js';
import type { Filters } from '../http/filters.js';

export type EventType = 'container' | 'image' | 'network' | 'volume' | 'builder' | 'daemon';

export interface EngineEvent {
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
  readonly Type: EventType;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: 'local';
  readonly time: number;
  readonly timeNano: number;
}

/** The newest events, and who listens for more. */
export class EventLog {
  private readonly kept: EngineEvent[] = [];
  private readonly listeners = new Set<(event: EngineEvent) => void>();

  constructor(private readonly now: () => number) {}

  add(Type: EventType, Action: string, ID: string, Attributes: Readonly<Record<string, string>> = {}): void {
    const ms = this.now();
    const old = Type === 'container' || Type === 'image' ? { status: Action, id: ID } : {};
    const from = Type === 'container' && Attributes['image'] ? { from: Attributes['image'] } : {};
    const time = Math.floor(ms / 1000);
    // Nanoseconds do not fit a double: the last digits are those of its precision.
    const event: EngineEvent = {
      ...old,
      ...from,
      Type,
      Action,
      Actor: { ID, Attributes },
      scope: 'local',
      time,
      timeNano: ms * 1e6,
    };
    this.kept.push(event);
    if (this.kept.length > limits.eventsKept) this.kept.shift();
    for (const listener of this.listeners) listener(event);
  }

  /** Those between, in seconds. */
  between(since: number, until: number): EngineEvent[] {
    return this.kept.filter(({ timeNano }) => timeNano / 1e9 >= since && timeNano / 1e9 <= until);
  }

  watch(listener: (event: EngineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  all(): readonly EngineEvent[] {
    return this.kept;
  }

  restore(events: readonly EngineEvent[]): void {
    this.kept.push(...events.slice(-limits.eventsKept));
  }
}

export const eventFilters = [
  'config',
  'container',
  'daemon',
  'event',
  'image',
  'label',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
];

export function eventMatches({ Type, Action, Actor }: EngineEvent, filters: Filters): boolean {
  const names = (type: EventType) => (value: string) =>
    (Type === type && (Actor.ID.startsWith(value) || Actor.Attributes['name'] === value)) ||
    (type === 'image' && Actor.Attributes['image'] === value);
  return (
    filters.any('type', (value) => value === Type) &&
    filters.any('event', (value) => Action === value || Action.startsWith(`${value}:`)) &&
    filters.any('container', names('container')) &&
    filters.any('image', names('image')) &&
    filters.any('network', names('network')) &&
    filters.any('volume', names('volume')) &&
    filters.any('scope', (value) => value === 'local') &&
    filters.matchesLabels(Actor.Attributes)
  );
}
