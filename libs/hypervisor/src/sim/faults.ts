import { chanceOf } from './chance.js';

/** What is wrong with a guest. Everything is off unless asked for. */
export interface GuestFaults {
  /** The share of guests this hits, chosen by the seed; 1 when left out. */
  readonly rate?: number;
  /** Gives back only this share (0..1) of the memory it is asked for… */
  readonly givesBack?: number;
  /** …and the rest after this long; null is never, until the fault is lifted. */
  readonly letsGoAfterMs?: number | null;
  /** The agent never answers, or answers with these figures whatever the guest really has. */
  readonly agent?: 'silent' | { readonly vcpus: number; readonly ramMib: number };
  readonly neverBoots?: boolean;
  /** The power button does nothing. */
  readonly ignoresAcpi?: boolean;
}

export interface Faults {
  /** Chance, by verb (or `*`), that a call fails before it has done anything. */
  readonly errorRate: Readonly<Record<string, number>>;
  /** Chance, by verb (or `*`), that a call takes effect and its answer is lost. */
  readonly lostAnswerRate: Readonly<Record<string, number>>;
  /** By host: `dead` refuses at once, `hangs` never answers. */
  readonly hosts: Readonly<Record<string, 'dead' | 'hangs'>>;
  /** By instance id; `*` is for all that have no entry of their own. */
  readonly guests: Readonly<Record<string, GuestFaults>>;
}

export const noFaults: Faults = { errorRate: {}, lostAnswerRate: {}, hosts: {}, guests: {} };

const none: GuestFaults = {};

/** The faults of one guest; which guests a `rate` hits depends on the seed and the id alone. */
export function guestFaultsOf(faults: Faults, seed: string, instanceId: string): GuestFaults {
  const entry = faults.guests[instanceId] ?? faults.guests['*'];
  if (!entry) return none;
  if (entry.rate !== undefined && chanceOf(seed, 'afflicted', instanceId) >= entry.rate) return none;
  return entry;
}

export const rateOf = (rates: Readonly<Record<string, number>>, verb: string): number =>
  rates[verb] ?? rates['*'] ?? 0;

type Unknown = Readonly<Record<string, unknown>>;

/** @throws TypeError naming the field, when a part is malformed or unknown. */
export function parseFaults(value: unknown): Faults {
  const given = record(value, 'faults');
  onlyFields(given, ['errorRate', 'lostAnswerRate', 'hosts', 'guests'], 'faults');
  return {
    errorRate: rates(given['errorRate'], 'errorRate'),
    lostAnswerRate: rates(given['lostAnswerRate'], 'lostAnswerRate'),
    hosts: entries(given['hosts'], 'hosts', hostFault),
    guests: entries(given['guests'], 'guests', guestFaults),
  };
}

const guestFields = ['rate', 'givesBack', 'letsGoAfterMs', 'agent', 'neverBoots', 'ignoresAcpi'];

function guestFaults(value: unknown, at: string): GuestFaults {
  const given = record(value, at);
  onlyFields(given, guestFields, at);
  const { rate, givesBack, letsGoAfterMs, agent, neverBoots, ignoresAcpi } = given;
  if (rate !== undefined) share(rate, `${at}.rate`);
  if (givesBack !== undefined) share(givesBack, `${at}.givesBack`);
  if (letsGoAfterMs !== undefined && letsGoAfterMs !== null) figure(letsGoAfterMs, `${at}.letsGoAfterMs`);
  if (agent !== undefined && agent !== 'silent') {
    const lie = record(agent, `${at}.agent`);
    for (const field of ['vcpus', 'ramMib']) {
      if (typeof lie[field] !== 'number') throw new TypeError(`${at}.agent.${field} must be a number`);
    }
  }
  for (const [field, flag] of Object.entries({ neverBoots, ignoresAcpi })) {
    if (flag !== undefined && typeof flag !== 'boolean')
      throw new TypeError(`${at}.${field} must be true or false`);
  }
  return given as GuestFaults;
}

function hostFault(value: unknown, at: string): 'dead' | 'hangs' {
  if (value === 'dead' || value === 'hangs') return value;
  throw new TypeError(`${at} must be "dead" or "hangs"`);
}

const rates = (value: unknown, at: string): Record<string, number> => entries(value, at, share);

function entries<Part>(
  value: unknown,
  at: string,
  parse: (part: unknown, at: string) => Part,
): Record<string, Part> {
  if (value === undefined) return {};
  return Object.fromEntries(
    Object.entries(record(value, at)).map(([key, part]) => [key, parse(part, `${at}.${key}`)]),
  );
}

function share(value: unknown, at: string): number {
  const number = figure(value, at);
  if (number > 1) throw new TypeError(`${at} must be at most 1`);
  return number;
}

function figure(value: unknown, at: string): number {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
  throw new TypeError(`${at} must be a number, 0 or more`);
}

function record(value: unknown, at: string): Unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Unknown;
  throw new TypeError(`${at} must be an object`);
}

function onlyFields(value: Unknown, known: readonly string[], at: string): void {
  const stray = Object.keys(value).find((field) => !known.includes(field));
  if (stray !== undefined) throw new TypeError(`${at}.${stray} is not known; there are: ${known.join(', ')}`);
}
