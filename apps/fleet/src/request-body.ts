import type { IncomingMessage } from 'node:http';

export class InvalidRequestError extends Error {}

const mostBytes = 4 * 1024 * 1024;

/** @throws InvalidRequestError when it is too long or is not a JSON object. */
export function readBody(incoming: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    incoming.on('data', (part: Buffer) => {
      length += part.length;
      if (length > mostBytes) reject(new InvalidRequestError(`a request has at most ${mostBytes} bytes`));
      else parts.push(part);
    });
    incoming.on('error', reject);
    incoming.on('end', () => {
      try {
        resolve(parse(parts.length === 1 ? parts[0]! : Buffer.concat(parts)));
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}

function parse(bytes: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = bytes.length === 0 ? {} : JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new InvalidRequestError('the body is not JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new InvalidRequestError('the body must be a JSON object');
}

export function text(body: Readonly<Record<string, unknown>>, field: string): string {
  const value = body[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new InvalidRequestError(`${field} must be a string`);
}

export function numberIn(body: Readonly<Record<string, unknown>>, field: string): number {
  const value = body[field];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new InvalidRequestError(`${field} must be a number`);
}

export function objectIn(
  body: Readonly<Record<string, unknown>>,
  field: string,
): Readonly<Record<string, unknown>> {
  const value = body[field];
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new InvalidRequestError(`${field} must be an object`);
}
