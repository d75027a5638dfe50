import { open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** `crc32 of the rest, 8 hex digits` `space` `JSON` `newline`: a record is whole or it is not there. */
export function encodeRecord(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

export class CorruptJournalError extends Error {}

/**
 * Reads records in order. Only the last one can be torn, as each commit is one record and the next is written
 * after it is durable: a torn tail was never acknowledged, and is cut off. Anything else is damage.
 */
export async function recoverRecords(
  path: string,
  each: (value: unknown) => void,
): Promise<{ bytes: number; torn: boolean }> {
  const content = await readFile(path);
  let at = 0;
  while (at < content.length) {
    const end = content.indexOf(0x0a, at);
    const value = end < 0 ? undefined : decode(content.subarray(at, end));
    if (value === undefined) {
      if (end >= 0 && end + 1 < content.length && hasWholeRecord(content, end + 1)) {
        throw new CorruptJournalError(`${path} is damaged at byte ${at}, and whole records follow`);
      }
      await truncate(path, at);
      return { bytes: at, torn: true };
    }
    each(value);
    at = end + 1;
  }
  return { bytes: at, torn: false };
}

function hasWholeRecord(content: Buffer, from: number): boolean {
  for (let at = from; at < content.length;) {
    const end = content.indexOf(0x0a, at);
    if (end < 0) return false;
    if (decode(content.subarray(at, end)) !== undefined) return true;
    at = end + 1;
  }
  return false;
}

function decode(line: Buffer): unknown {
  if (line.length < 10 || line[8] !== 0x20) return undefined;
  const json = line.subarray(9);
  if (crc32(json) !== Number.parseInt(line.toString('latin1', 0, 8), 16)) return undefined;
  return JSON.parse(json.toString('utf8')) as unknown;
}

/** Makes a rename or a new file in that folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export async function appendable(path: string): Promise<FileHandle> {
  return open(path, 'a', 0o600);
}
