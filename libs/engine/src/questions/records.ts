import type { EngineContainer, EngineMachine } from '@bellows/operations/ports/engine';

/** Readers of values that somebody else wrote: each gives what the name says, or throws `Nonsense`. */
export class Nonsense extends Error {}

type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Nonsense('not an object');
}

export function list(value: unknown, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value;
  throw new Nonsense(`not a list of at most ${most}`);
}

export function number(value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new Nonsense('not a number that could be');
}

export function whole(value: unknown, least: number, most: number): number {
  if (Number.isSafeInteger(value)) return number(value, least, most);
  throw new Nonsense('not a whole number');
}

/** Beyond what any machine has. */
export const mostCpus = 4096;
export const mostMib = 2 ** 26;

const nameForm = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;
const idForm = /^[0-9a-f]{64}$/;

export const containerId = (value: unknown): string => {
  if (typeof value === 'string' && idForm.test(value)) return value;
  throw new Nonsense('not the id of a container');
};

/** A container whose name is no name is known by its id. */
export const containerName = (value: unknown, id: string): string => {
  const name = typeof value === 'string' ? value.replace(/^\//, '') : '';
  return nameForm.test(name) ? name : id.slice(0, 12);
};

const orNull = <Value>(value: unknown, read: (value: unknown) => Value): Value | null =>
  value === null ? null : read(value);

export function machineRecord(value: unknown): EngineMachine {
  const { cpus, memTotalMib, cgroups, container } = fields(value);
  return {
    cpus: whole(cpus, 0, mostCpus),
    memTotalMib: whole(memTotalMib, 0, mostMib),
    cgroups: cgroups === 1 ? 1 : 2,
    container: orNull(container, (seen) => {
      const { name, cpus: itsCpus } = fields(seen);
      return { name: containerName(name, 'unnamed'), cpus: whole(itsCpus, 0, mostCpus) };
    }),
  };
}

export const mostContainers = 64;

export const containersRecord = (value: unknown): readonly EngineContainer[] =>
  list(value, mostContainers).map((one) => {
    const { id, name, ramMib, cpus, cpuset } = fields(one);
    const known = containerId(id);
    return {
      id: known,
      name: containerName(name, known),
      ramMib: orNull(ramMib, (mib) => number(mib, 0, mostMib)),
      cpus: orNull(cpus, (count) => number(count, 0, mostCpus)),
      cpuset: orNull(cpuset, (count) => whole(count, 0, mostCpus)),
    };
  });

/** @returns null for nonsense. */
export function sense<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Nonsense || error instanceof SyntaxError) return null;
    throw error;
  }
}
