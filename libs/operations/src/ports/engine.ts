import type { InstanceId, TokenId } from '@bellows/domain/ids';
import type { HostRef } from './host-driver.js';
import type { EpochMs, Instance, Token } from './rows.js';

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

/** The part of the store that remembers engines, and who may have streams to them. */
export interface EngineRecords {
  /** Of these instances; nothing of those never asked. */
  engines(ids: readonly InstanceId[]): Promise<Engine[]>;
  /** Running instances whose engine should be asked now, longest unasked first. */
  enginesDue(now: EpochMs, limit: number): Promise<{ instance: Instance; engine: Engine | null }[]>;
  recordEngines(seen: readonly Engine[]): Promise<void>;
  /** Those that exist, revoked ones too. */
  tokensById(ids: readonly TokenId[]): Promise<Token[]>;
  /** Those that exist, deleted ones too. */
  instancesById(ids: readonly InstanceId[]): Promise<Instance[]>;
}
