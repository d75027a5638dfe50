import type { InstanceId } from '@bellows/domain/ids';
import type { HostRef } from './host-driver.js';
import type { EpochMs } from './rows.js';

export const engineStates = ['starting', 'ready', 'failed', 'absent'] as const;
export type EngineState = (typeof engineStates)[number];

/** What was last heard of the container engine in a guest. */
export interface Engine {
  readonly instanceId: InstanceId;
  readonly state: EngineState;
  /** Of the engine, as it says itself; null before it ever spoke. */
  readonly version: string | null;
  readonly seenAt: EpochMs;
}

/** Asks a guest's engine for its version; null when it does not answer as one should. Never rejects. */
export type AskEngine = (host: HostRef, instanceId: InstanceId) => Promise<string | null>;
