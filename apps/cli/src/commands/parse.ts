import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../exit.js';
import type { Io } from '../io.js';

/** `key=value`, given any number of times. */
export function collectTag(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Give a tag as key=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

export const collectText = (text: string, before: readonly string[] = []): string[] => [...before, text];

/** Any time that JavaScript reads, or days from now such as `30d`. @returns RFC 3339 */
export function parseTime(text: string): string {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  const time = days === undefined ? Date.parse(text) : Date.now() + Number(days) * 86_400_000;
  if (Number.isNaN(time)) throw new InvalidArgumentError('Give a time such as 2030-01-31T12:00:00Z, or 30d.');
  return new Date(time).toISOString();
}

/** A file's text, or stdin's for `-`. */
export async function textOf({ stdin, cwd }: Io, path: string): Promise<string> {
  if (path === '-') return Buffer.concat((await stdin.toArray()).map((part) => Buffer.from(part))).toString();
  const full = path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(cwd, path);
  return readFile(full, 'utf8').catch((error: Error) => {
    throw new UsageError(`Cannot read ${path}: ${error.message}`);
  });
}

/** An OpenSSH public key, or the file it is in. */
export async function sshKeyOf(io: Io, text: string): Promise<string> {
  if (/^(sk-)?(ssh|ecdsa)-\S+ /.test(text)) return text;
  const key = (await textOf(io, text)).trim();
  if (key.includes('PRIVATE KEY'))
    throw new UsageError(`${text} is a private key; give the public one (.pub).`);
  return key;
}
