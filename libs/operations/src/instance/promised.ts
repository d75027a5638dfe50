import { refuse, type Refusal } from '@bellows/domain/refusal';
import type { ResizeTarget } from '@bellows/domain/resize';
import type { Size } from '@bellows/domain/size';
import type { Cloud } from '../cloud.js';
import type { Engine, EngineContainer } from '../ports/engine.js';
import type { Host, Instance } from '../ports/rows.js';
import type { KnownEngine } from './confirm-engine.js';

/** A request waits no longer than this for a guest's engine. */
const askWithinMs = 1_500;

/** A running container that was promised more than the new size has. */
export interface PromisedContainer {
  readonly id: string;
  readonly name: string;
  /** Its `--memory`; null without one. */
  readonly ramMib: number | null;
  /** Its `--cpus`, or the CPUs its `--cpuset-cpus` needs; null without either. */
  readonly cpus: number | null;
  readonly why: string;
  /** By itself it does not fit: the resize needs `allowContainers`. Otherwise only all together do not. */
  readonly blocks: boolean;
}

/** What running containers were promised beyond the new size; `containers` is null when their engine could not be asked. */
export interface Promises {
  readonly containers: readonly PromisedContainer[] | null;
  readonly warnings: readonly string[];
}

const none: Promises = { containers: [], warnings: [] };

/** An engine that never spoke is nobody's: nobody asks it, and nobody waits for it. */
export function knownEngine(engine: Engine | undefined): KnownEngine | undefined {
  if (!engine || engine.version === null) return undefined;
  return engine.state === 'failed' || engine.state === 'absent' ? 'gone' : 'ready';
}

/** Asks the engine while the request waits; only where something shrinks, and something could be running. */
export async function promisesBroken(
  cloud: Cloud,
  { instance, host }: { readonly instance: Instance; readonly host: Host },
  { to, impact }: Pick<ResizeTarget, 'to' | 'impact'>,
  known: KnownEngine | undefined,
): Promise<Promises> {
  const from = instance.desired;
  const shrinks = to.vcpus < from.vcpus || to.ramMib < from.ramMib;
  if (!shrinks || impact === 'offline' || known === undefined || !cloud.engines) return none;
  const { id, driver, uri } = host;
  const containers = await cloud.engines.containers({ id, driver, uri }, instance.id, askWithinMs);
  if (containers === null) {
    const warning = 'The container engine could not be asked what its running containers were promised.';
    return { containers: null, warnings: [warning] };
  }
  const broken = promisedBeyond(containers, from, to);
  return { containers: broken, warnings: broken.map(({ name, why }) => `Container ${name}: ${why}`) };
}

/** The running containers whose limits do not fit the new size, each alone or all together. */
export function promisedBeyond(
  containers: readonly EngineContainer[],
  from: Size,
  to: Size,
): PromisedContainer[] {
  const sum = (of: 'ramMib' | 'cpus') => containers.reduce((total, one) => total + (one[of] ?? 0), 0);
  const [ramMib, cpus] = [sum('ramMib'), sum('cpus')];
  const lessRam = to.ramMib < from.ramMib;
  const lessCpu = to.vcpus < from.vcpus;
  return containers.flatMap((one) => {
    const alone = [
      ...(lessRam && (one.ramMib ?? 0) > to.ramMib
        ? [`it may use ${figure(one.ramMib)} MiB, the new size has ${to.ramMib}`]
        : []),
      ...(lessCpu && (one.cpus ?? 0) > to.vcpus
        ? [`it may use ${figure(one.cpus)} CPU, the new size has ${to.vcpus}`]
        : []),
      ...(lessCpu && (one.cpuset ?? 0) > to.vcpus
        ? [`it is bound to CPUs of ${one.cpuset}, the new size has ${to.vcpus}`]
        : []),
    ];
    const together = [
      ...(lessRam && one.ramMib !== null && ramMib > to.ramMib
        ? [`running containers may use ${figure(ramMib)} MiB together, the new size has ${to.ramMib}`]
        : []),
      ...(lessCpu && one.cpus !== null && cpus > to.vcpus
        ? [`running containers may use ${figure(cpus)} CPU together, the new size has ${to.vcpus}`]
        : []),
    ];
    const why = alone.length > 0 ? alone : together;
    if (why.length === 0) return [];
    const { id, name } = one;
    const promised = { id, name, ramMib: one.ramMib, cpus: one.cpus ?? one.cpuset };
    return [{ ...promised, why: `${why.join('; ')}.`, blocks: alone.length > 0 }];
  });
}

const figure = (value: number | null): string => String(Math.round((value ?? 0) * 100) / 100);

/** Null when no container stands in the way by itself, or the request says that none does. */
export function refusedFor({ containers }: Promises, allowContainers: boolean): Refusal | null {
  const blocking = containers?.filter(({ blocks }) => blocks) ?? [];
  if (blocking.length === 0 || allowContainers) return null;
  const names = blocking.map(({ name }) => name).join(', ');
  return refuse(
    'containers-promised',
    `Running containers were promised more than the new size has: ${names}. Change or stop them, or allow it with "allowContainers": true.`,
    { containers: blocking },
  );
}
