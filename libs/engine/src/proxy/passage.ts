import { createHash, timingSafeEqual } from 'node:crypto';
import { looksLikeId, type HostId, type InstanceId } from '@bellows/domain/ids';
import type { HostRef } from '@bellows/operations/ports/host-driver';
import type { HeaderList } from './request.js';

/** What the cloud itself asks of an engine; the gateway puts it in the engine's own words and reads the answer. */
export const questions = ['machine', 'containers', 'events'] as const;
export type Question = (typeof questions)[number];

/** What the API tells the gateway of a request it has authorised: into which guest, and on whose behalf. */
export interface Passage {
  readonly host: HostRef;
  readonly instanceId: InstanceId;
  /** Token id, or the name of the process that asks for itself. */
  readonly principal: string;
  /** Instead of a request that is carried as it is. */
  readonly question?: Question;
}

const passageHeader = 'x-bellows-passage';

/** Added to a clean request; the gateway's own cleaning takes them off again. */
export const passageHeaders = (passage: Passage, secret: string): HeaderList => [
  ['Authorization', `Bearer ${secret}`],
  [passageHeader, Buffer.from(JSON.stringify(passage)).toString('base64url')],
];

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Null when there is none, or none that could be one. */
export function readPassage(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Passage | null {
  const text = headers[passageHeader];
  if (typeof text !== 'string') return null;
  let said: {
    host?: { id?: unknown; driver?: unknown; uri?: unknown };
    instanceId?: unknown;
    principal?: unknown;
    question?: unknown;
  };
  try {
    said = JSON.parse(Buffer.from(text, 'base64url').toString()) as typeof said;
  } catch {
    return null;
  }
  const { host, instanceId, principal, question } = said ?? {};
  const { id, driver, uri } = host ?? {};
  if (!isText(id) || !isText(uri) || !isText(instanceId) || !isText(principal)) return null;
  if (driver !== 'sim' && driver !== 'libvirt') return null;
  if (!looksLikeId('host', id) || !looksLikeId('instance', instanceId)) return null;
  const asked = questions.find((one) => one === question);
  if (question !== undefined && !asked) return null;
  return {
    host: { id: id as HostId, driver, uri },
    instanceId: instanceId as InstanceId,
    principal,
    ...(asked && { question: asked }),
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares in constant time, whatever the lengths. */
export function bearerCheck(secret: string): (authorization: string | undefined) => boolean {
  const expected = digest(`Bearer ${secret}`);
  return (given) => given !== undefined && timingSafeEqual(digest(given), expected);
}
