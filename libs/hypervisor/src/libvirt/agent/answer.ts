/** Everything here reads what a guest wrote: it may be anything, of any length, at any depth. */

export const maxAnswerBytes = 64 * 1024;
export const maxAnswerDepth = 8;
const maxVcpus = 4096;
const maxBlockIndex = 2 ** 26;

/** The guest said something that is no answer. */
export class NonsenseError extends Error {
  override readonly name = 'NonsenseError';
}

/** Nesting of a JSON text, found without building it. */
export function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth);
    else if (char === '}' || char === ']') depth--;
  }
  return deepest;
}

/** The `return` of an agent's answer. Throws NonsenseError. */
export function readAnswer(text: string | null): unknown {
  if (text === null) throw new NonsenseError('no answer');
  if (Buffer.byteLength(text) > maxAnswerBytes) throw new NonsenseError('the answer is too long');
  if (depthOf(text) > maxAnswerDepth) throw new NonsenseError('the answer is nested too deeply');
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new NonsenseError('the answer is not JSON');
  }
  if (!isRecord(answer) || !Object.hasOwn(answer, 'return'))
    throw new NonsenseError('the answer has no return');
  return answer['return'];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function integer(value: unknown, least: number, most: number, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    throw new NonsenseError(`${what} is out of range`);
  }
  return value;
}

function rows(value: unknown, most: number, what: string): Record<string, unknown>[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > most || !value.every(isRecord)) {
    throw new NonsenseError(`${what}: not a list of 1 to ${most} objects`);
  }
  return value;
}

function flag(row: Record<string, unknown>, name: string, optional = false): boolean {
  const value = row[name];
  if (optional && value === undefined) return false;
  if (typeof value !== 'boolean') throw new NonsenseError(`${name} is no boolean`);
  return value;
}

function unique(numbers: readonly number[], what: string): void {
  if (new Set(numbers).size !== numbers.length) throw new NonsenseError(`${what} twice`);
}

export interface GuestVcpu {
  readonly logicalId: number;
  readonly online: boolean;
  readonly canOffline: boolean;
}

/** The `return` of `guest-get-vcpus`, sorted by id. */
export function readVcpus(answer: unknown): GuestVcpu[] {
  const vcpus = rows(answer, maxVcpus, 'vcpus').map((row) => ({
    logicalId: integer(row['logical-id'], 0, maxVcpus - 1, 'logical-id'),
    online: flag(row, 'online'),
    canOffline: flag(row, 'can-offline', true),
  }));
  unique(
    vcpus.map((v) => v.logicalId),
    'logical-id',
  );
  return vcpus.sort((a, b) => a.logicalId - b.logicalId);
}

/** The `return` of `guest-get-memory-block-info`: MiB a block. */
export function readBlockMib(answer: unknown): number {
  const size = isRecord(answer) ? answer['size'] : undefined;
  const bytes = integer(size, 2 ** 21, 2 ** 36, 'block size');
  if (bytes % 2 ** 20 !== 0) throw new NonsenseError('block size is no whole number of MiB');
  return bytes / 2 ** 20;
}

/** The `return` of `guest-get-memory-blocks`: how many are online. */
export function readOnlineBlocks(answer: unknown): number {
  const blocks = rows(answer, maxAnswerBytes, 'memory blocks').map((row) => ({
    index: integer(row['phys-index'], 0, maxBlockIndex, 'phys-index'),
    online: flag(row, 'online'),
  }));
  unique(
    blocks.map((b) => b.index),
    'phys-index',
  );
  return blocks.filter((b) => b.online).length;
}

/** Which CPUs to switch so that `wanted` are online: the lowest stay, the first never goes. */
export function vcpuChanges(
  vcpus: readonly GuestVcpu[],
  wanted: number,
): { 'logical-id': number; online: boolean }[] {
  const online = vcpus.filter((v) => v.online);
  if (online.length < wanted) {
    const more = vcpus.filter((v) => !v.online).slice(0, wanted - online.length);
    return more.map((v) => ({ 'logical-id': v.logicalId, online: true }));
  }
  const surplus = online
    .filter((v) => v.canOffline && v.logicalId !== 0)
    .reverse()
    .slice(0, online.length - wanted);
  return surplus.map((v) => ({ 'logical-id': v.logicalId, online: false }));
}
