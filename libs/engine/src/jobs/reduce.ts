import type { EngineEvent } from '@bellows/operations/ports/engine-jobs';
import { plainText } from './plain-text.js';

const types = new Set(['container', 'image', 'network', 'volume', 'builder', 'daemon', 'plugin']);
const actionForm = /^[a-z][a-z0-9_-]{0,31}$/;
const exitCodeForm = /^-?\d{1,5}$/;
const most = { id: 128, name: 256, execId: 128, signal: 16 } as const;

type Said = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Said =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Only what is really there: a guest may name a field `__proto__`. */
const own = (said: Said, name: string): unknown => (Object.hasOwn(said, name) ? said[name] : undefined);

function text(said: Said, name: string, longest: number): string | null {
  const value = own(said, name);
  return typeof value === 'string' ? plainText(value, longest) || null : null;
}

function exitCode(said: Said): number | null {
  const value = own(said, 'exitCode');
  return typeof value === 'string' && exitCodeForm.test(value) ? Number(value) : null;
}

/**
 * What is kept of an event of `GET /events` (Docker Engine API 1.45), whoever wrote it.
 * @param at when it arrived, ms.
 * @returns null for what is not an event, or none of a kind that is shown.
 */
export function reduceEvent(said: unknown, at: number): EngineEvent | null {
  if (!isRecord(said)) return null;
  const [type, spoken, actor] = [own(said, 'Type'), own(said, 'Action'), own(said, 'Actor')];
  if (typeof type !== 'string' || !types.has(type) || typeof spoken !== 'string' || !isRecord(actor)) {
    return null;
  }
  // `exec_create: sh -c …`, `health_status: healthy`: what follows is a command line or a word of the guest's.
  const action = spoken.slice(0, 64).split(':', 1)[0]!;
  const id = text(actor, 'ID', most.id);
  if (!actionForm.test(action) || id === null) return null;
  const given = own(actor, 'Attributes');
  const attributes = isRecord(given) ? given : {};
  const nano = own(said, 'timeNano');
  return {
    at,
    guestAt: typeof nano === 'number' && nano > 0 && nano < 1e19 ? nano / 1e6 : 0,
    type,
    action,
    id,
    name: text(attributes, 'name', most.name),
    image: type === 'container' ? text(attributes, 'image', most.name) : null,
    execId: text(attributes, 'execID', most.execId),
    exitCode: exitCode(attributes),
    signal: text(attributes, 'signal', most.signal),
  };
}

const isText = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value.length <= longest && plainText(value, longest) === value;
const orNull = (value: unknown, longest: number): value is string | null =>
  value === null || (isText(value, longest) && value !== '');

/**
 * A reduced event that came over a line, taken apart and put together anew: who wrote the line is not relied upon.
 * @returns null when it is not exactly one.
 */
export function readEvent(said: unknown): EngineEvent | null {
  if (!isRecord(said) || Object.keys(said).length !== 10) return null;
  const { at, guestAt, type, action, id, name, image, execId, exitCode: code, signal } = said;
  const numbers = [at, guestAt].every(
    (time) => typeof time === 'number' && Number.isFinite(time) && time >= 0 && time < 1e15,
  );
  if (!numbers || typeof type !== 'string' || !types.has(type)) return null;
  if (typeof action !== 'string' || !actionForm.test(action)) return null;
  if (!isText(id, most.id) || id === '' || !orNull(name, most.name) || !orNull(image, most.name)) return null;
  if (!orNull(execId, most.execId) || !orNull(signal, most.signal)) return null;
  if (code !== null && !(Number.isInteger(code) && Math.abs(code as number) < 1e5)) return null;
  const [when, guestWhen, exit] = [at as number, guestAt as number, code as number | null];
  return { at: when, guestAt: guestWhen, type, action, id, name, image, execId, exitCode: exit, signal };
}
