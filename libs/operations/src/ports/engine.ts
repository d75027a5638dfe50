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

/** What an engine says of the machine it runs on. A guest's word: it can hold a success back, and nothing else. */
export interface EngineMachine {
  /** As `docker info` counts them now. */
  readonly cpus: number;
  /** The guest's MemTotal: always somewhat less than it was given. */
  readonly memTotalMib: number;
  /** Version of the control groups. Running containers of version 1 do not get CPUs that are plugged later. */
  readonly cgroups: 1 | 2;
  /** A running container without limits of its own, and its CPUs by the engine's statistics; null where none runs. */
  readonly container: { readonly name: string; readonly cpus: number } | null;
}

/** A running container, and what it was promised; null for what it was not. */
export interface EngineContainer {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  /** `--memory` */
  readonly ramMib: number | null;
  /** `--cpus`, or a quota. */
  readonly cpus: number | null;
  /** How many CPUs the machine must have for all that `--cpuset-cpus` names. */
  readonly cpuset: number | null;
}

/**
 * What the cloud asks of the engine in a guest. Null when it does not answer in time, or not as one should; never
 * rejects. What comes back is small and has the form it should have; whether it is true is another question.
 */
export interface EngineQuestions {
  machine(host: HostRef, instanceId: InstanceId, withinMs: number): Promise<EngineMachine | null>;
  /** Of the running containers; null also where they are too many to ask for each. */
  containers(
    host: HostRef,
    instanceId: InstanceId,
    withinMs: number,
  ): Promise<readonly EngineContainer[] | null>;
}

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
