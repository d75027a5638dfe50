import * as h from './protocol/handles.js';
import type { Domain } from './types.js';
import { int32, mapped, struct, uint64Number, type Codec } from './xdr/codec.js';

/** virDomainEventID: the events this client can decode. */
export const DomainEventID = {
  LIFECYCLE: 0,
  REBOOT: 1,
  DEVICE_REMOVED: 15,
  AGENT_LIFECYCLE: 18,
  DEVICE_ADDED: 19,
  MIGRATION_ITERATION: 20,
  DEVICE_REMOVAL_FAILED: 22,
  MEMORY_DEVICE_SIZE_CHANGE: 26,
} as const;
export type DomainEventID = (typeof DomainEventID)[keyof typeof DomainEventID];

/** `event` is a DomainEventType; what `detail` means depends on it. */
export interface LifecycleEvent {
  kind: 'lifecycle';
  domain: Domain;
  event: number;
  detail: number;
}
/** The guest reset itself. */
export interface RebootEvent {
  kind: 'reboot';
  domain: Domain;
}
export interface DeviceAddedEvent {
  kind: 'device-added';
  domain: Domain;
  alias: string;
}
export interface DeviceRemovedEvent {
  kind: 'device-removed';
  domain: Domain;
  alias: string;
}
/** The guest refused to let go of the device. */
export interface DeviceRemovalFailedEvent {
  kind: 'device-removal-failed';
  domain: Domain;
  alias: string;
}
/** `state` is an AgentLifecycleState, `reason` an AgentLifecycleReason. */
export interface AgentLifecycleEvent {
  kind: 'agent-lifecycle';
  domain: Domain;
  state: number;
  reason: number;
}
/** virtio-mem: what the guest has plugged now. */
export interface MemoryDeviceSizeChangeEvent {
  kind: 'memory-device-size-change';
  domain: Domain;
  alias: string;
  sizeKib: number;
}
export interface MigrationIterationEvent {
  kind: 'migration-iteration';
  domain: Domain;
  iteration: number;
}

export type DomainEvent =
  | LifecycleEvent
  | RebootEvent
  | DeviceAddedEvent
  | DeviceRemovedEvent
  | DeviceRemovalFailedEvent
  | AgentLifecycleEvent
  | MemoryDeviceSizeChangeEvent
  | MigrationIterationEvent;

/** What the event id delivers. */
export interface DomainEventOf {
  0: LifecycleEvent;
  1: RebootEvent;
  15: DeviceRemovedEvent;
  18: AgentLifecycleEvent;
  19: DeviceAddedEvent;
  20: MigrationIterationEvent;
  22: DeviceRemovalFailedEvent;
  26: MemoryDeviceSizeChangeEvent;
}

/** What a registration gives back. It outlives reconnections, until it is deregistered. */
export interface DomainEventSubscription {
  readonly eventID: DomainEventID;
  deregister(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<void>;
}

export interface EventMessage {
  callbackID: number;
  event: DomainEvent;
}

/** A message's body: the callback's id, the domain, then the event's own fields. */
const message = <E extends DomainEvent>(
  kind: E['kind'],
  fields: Codec<Omit<E, 'kind'>>,
): Codec<EventMessage> => {
  const body = struct<{ callbackID: number; fields: Omit<E, 'kind'> }>({ callbackID: int32, fields });
  return mapped(
    body,
    ({ callbackID, fields: read }) => ({ callbackID, event: { kind, ...read } as unknown as DomainEvent }),
    ({ callbackID, event }) => ({ callbackID, fields: event as unknown as Omit<E, 'kind'> }),
  );
};

const { domain, text: alias } = h;
type Fields<E> = Omit<E, 'kind'>;

/** Messages of the main program that carry events, by procedure number. */
export const eventTable: ReadonlyMap<number, Codec<EventMessage>> = new Map([
  [
    318,
    message<LifecycleEvent>(
      'lifecycle',
      struct<Fields<LifecycleEvent>>({ domain, event: int32, detail: int32 }),
    ),
  ],
  [319, message<RebootEvent>('reboot', struct<Fields<RebootEvent>>({ domain }))],
  [333, message<DeviceRemovedEvent>('device-removed', struct<Fields<DeviceRemovedEvent>>({ domain, alias }))],
  [
    348,
    message<AgentLifecycleEvent>(
      'agent-lifecycle',
      struct<Fields<AgentLifecycleEvent>>({ domain, state: int32, reason: int32 }),
    ),
  ],
  [354, message<DeviceAddedEvent>('device-added', struct<Fields<DeviceAddedEvent>>({ domain, alias }))],
  [
    359,
    message<MigrationIterationEvent>(
      'migration-iteration',
      struct<Fields<MigrationIterationEvent>>({ domain, iteration: int32 }),
    ),
  ],
  [
    367,
    message<DeviceRemovalFailedEvent>(
      'device-removal-failed',
      struct<Fields<DeviceRemovalFailedEvent>>({ domain, alias }),
    ),
  ],
  [
    438,
    message<MemoryDeviceSizeChangeEvent>(
      'memory-device-size-change',
      struct<Fields<MemoryDeviceSizeChangeEvent>>({ domain, alias, sizeKib: uint64Number }),
    ),
  ],
]);
