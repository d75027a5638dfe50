import type { AuditEntry, CloudEvent, IdempotencyScope, StoredAnswer } from '@bellows/operations/ports/store';
import { refuse } from '../db-errors.js';
import type { Session, Sql } from '../db.js';
import { auditEntries, events } from '../rows/mappings.js';
import type { Apply } from './kinds.js';

const insertEvents: Sql = {
  name: 'events-insert',
  text: `INSERT INTO event (${events.list}) SELECT ${events.list}
           FROM json_populate_recordset(NULL::event, $1::json)`,
};
const insertAudit: Sql = {
  name: 'audit-insert',
  text: `INSERT INTO audit_entry (${auditEntries.list}) SELECT ${auditEntries.list}
           FROM json_populate_recordset(NULL::audit_entry, $1::json)`,
};

export async function appendEvents(session: Session, all: readonly CloudEvent[]): Promise<void> {
  if (all.length > 0) await session.rows(insertEvents, [JSON.stringify(all.map(events.row))]);
}
export async function appendAudit(session: Session, all: readonly AuditEntry[]): Promise<void> {
  if (all.length > 0) await session.rows(insertAudit, [JSON.stringify(all.map(auditEntries.row))]);
}

const keep: Sql = {
  name: 'answer-keep',
  text: `
    INSERT INTO kept_answer (scope, key, request_hash, status, body, headers, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING key`,
};
const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));

export const keepAnswer: Apply<'keep-answer'> = async (session, { idempotency, answer, at }) => {
  const { scope, key, requestHash } = idempotency;
  const values = [scope, key, requestHash, answer.status, json(answer.body), json(answer.headers), at];
  if ((await session.rows(keep, values)).length === 0) throw refuse('idempotency');
};

const takeKeys: Sql = {
  name: 'keys-take',
  text: `
    INSERT INTO kept_answer (scope, key, request_hash, status, at)
    SELECT k.scope, k.key, k.request_hash, 0, k.at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS k (scope, key, request_hash, at)
     ORDER BY 1, 2
    ON CONFLICT DO NOTHING RETURNING scope, key`,
};
export const keyName = (of: { scope: string; key: string }): string => JSON.stringify([of.scope, of.key]);

/** Takes idempotency keys, all different, before their answers are known. Refuses naming those already taken. */
export async function takeIdempotencyKeys(
  session: Session,
  asks: readonly { readonly idempotency: IdempotencyScope; readonly at: number }[],
): Promise<void> {
  if (asks.length === 0) return;
  const rows = await session.rows<{ scope: string; key: string }>(takeKeys, [
    asks.map((a) => a.idempotency.scope),
    asks.map((a) => a.idempotency.key),
    asks.map((a) => a.idempotency.requestHash),
    asks.map((a) => a.at),
  ]);
  if (rows.length === asks.length) return;
  const taken = new Set(rows.map(keyName));
  throw refuse(
    'idempotency',
    asks.map((a) => keyName(a.idempotency)).filter((name) => !taken.has(name)),
  );
}

const fillAnswers: Sql = {
  name: 'answers-fill',
  text: `
    UPDATE kept_answer AS k SET status = a.status, body = a.body, headers = a.headers
      FROM json_to_recordset($1::json) AS a (scope text, key text, status integer, body json, headers json)
     WHERE k.scope = a.scope AND k.key = a.key`,
};

/** Writes the answers beside keys that this transaction took. */
export async function fillKeptAnswers(
  session: Session,
  kept: readonly { readonly idempotency: IdempotencyScope; readonly answer: StoredAnswer }[],
): Promise<void> {
  if (kept.length === 0) return;
  const rows = kept.map(({ idempotency: { scope, key }, answer: { status, body, headers } }) => ({
    ...{ scope, key, status, body, headers },
  }));
  await session.rows(fillAnswers, [JSON.stringify(rows)]);
}
