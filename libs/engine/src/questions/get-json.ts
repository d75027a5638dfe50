import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { askOn, cut } from '../proxy/ask.js';
import { Nonsense } from './records.js';

/** Opens a stream to the engine; each question has one of its own. */
export type OpenEngine = () => Promise<Duplex>;

export interface Get {
  readonly path: string;
  /** An answer that is longer is none. */
  readonly mostBytes: number;
}

/**
 * Asks an engine for a JSON document, and reads no more of the answer than is allowed. The far side may send what
 * it likes as slowly as it likes: `signal` ends it.
 * @throws Nonsense for anything but a whole answer with status 200 that is JSON.
 */
export async function getJson(
  open: OpenEngine,
  { path, mostBytes }: Get,
  signal: AbortSignal,
): Promise<unknown> {
  const far = await open();
  far.on('error', () => undefined);
  const end = (): void => cut(far);
  signal.addEventListener('abort', end);
  try {
    signal.throwIfAborted();
    return JSON.parse(await bodyOf(far, path, mostBytes)) as unknown;
  } finally {
    signal.removeEventListener('abort', end);
    cut(far);
  }
}

function bodyOf(far: Duplex, path: string, mostBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = [['Host', 'docker'] as const];
    const asked = askOn(far, { method: 'GET', path, headers, upgrade: null, bodyBytes: 0 });
    const fail = (): void => {
      asked.destroy();
      reject(new Nonsense('the engine did not answer as one should'));
    };
    asked.on('error', fail).on('upgrade', fail);
    far.on('close', fail);
    asked.on('response', (answer: IncomingMessage) => {
      if (answer.statusCode !== 200) return fail();
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > mostBytes) return fail();
        parts.push(part);
      });
      answer.on('error', fail);
      answer.on('end', () => (answer.complete ? resolve(Buffer.concat(parts).toString()) : fail()));
    });
    asked.end();
  });
}
