import type { IpPoolId } from '@bellows/domain/ids';
import type { Instance, IpPool, Operation } from '@bellows/operations/ports/rows';
import type { AdmissionResult, CreateAdmission, StoredAnswer } from '@bellows/operations/ports/store';
import { takeAddresses } from './addresses.js';
import { applyHostClaims, applyQuotaClaims, hostClaims, quotaClaims } from './changes/claims.js';
import { fillKeptAnswers, keyName, takeIdempotencyKeys } from './changes/records.js';
import { Refused, refusalIn } from './db-errors.js';
import type { Database, Session, Sql } from './db.js';
import { auditEntries, events, instances, operations } from './rows/mappings.js';

interface Guest {
  readonly instance: Instance;
  readonly operation: Operation;
}
interface Member {
  readonly at: number;
  readonly ask: CreateAdmission;
  /** Everything it can be refused for: hosts, project, pools, key. */
  readonly needs: ReadonlySet<string>;
}

/**
 * Admits a batch in one transaction of a handful of statements. Where anything is refused, the members that need
 * what was refused are parted from the others and each part is tried again, halved when all need it: so every
 * member gets its own answer, in the order they came as far as that can be.
 */
export async function admitCreates(
  database: Database,
  batch: readonly CreateAdmission[],
): Promise<AdmissionResult[]> {
  const results: AdmissionResult[] = new Array<AdmissionResult>(batch.length);
  const decide = async (members: readonly Member[]): Promise<void> => {
    if (members.length === 0) return;
    try {
      const admitted = await database.transaction((session) => admitAll(session, members));
      members.forEach((member, n) => (results[member.at] = { ok: true, guests: admitted[n]! }));
    } catch (error) {
      const refusal = refusalIn(error);
      if (!refusal) throw error;
      if (members.length === 1) {
        results[members[0]!.at] = { ok: false, ...refusal };
        return;
      }
      for (const part of parted(members, error instanceof Refused ? error.culprits : [])) await decide(part);
    }
  };
  for (const round of roundsOf(batch.map(memberOf))) await decide(round);
  return results;
}

function memberOf(ask: CreateAdmission, at: number): Member {
  const needs = new Set<string>([ask.quota.projectId, ...ask.guests.map((g) => g.instance.hostId)]);
  for (const pool of [ask.privatePool, ask.publicPool]) if (pool) needs.add(pool.id);
  if (ask.idempotency) needs.add(keyName(ask.idempotency));
  return { at, ask, needs };
}

/** A key that comes twice in one batch is decided in a later round, when the first one's fate is known. */
function roundsOf(members: readonly Member[]): Member[][] {
  const rounds: Member[][] = [];
  const seen = new Map<string, number>();
  for (const member of members) {
    const key = member.ask.idempotency && keyName(member.ask.idempotency);
    const round = key === null ? 0 : (seen.get(key) ?? 0);
    if (key !== null) seen.set(key, round + 1);
    (rounds[round] ??= []).push(member);
  }
  return rounds;
}

function parted(members: readonly Member[], culprits: readonly string[]): readonly (readonly Member[])[] {
  const suspect = (member: Member): boolean => culprits.some((culprit) => member.needs.has(culprit));
  const clean = members.filter((member) => !suspect(member));
  if (clean.length > 0 && clean.length < members.length) return [clean, members.filter(suspect)];
  const half = Math.ceil(members.length / 2);
  return [members.slice(0, half), members.slice(half)];
}

/** All members, or throws. Locks: keys, pools, inserts of new rows, quotas, hosts. */
async function admitAll(session: Session, members: readonly Member[]): Promise<Guest[][]> {
  const keyed = members.flatMap(({ ask }) =>
    ask.idempotency ? [{ idempotency: ask.idempotency, at: ask.audit.at }] : [],
  );
  await takeIdempotencyKeys(session, keyed);
  const { admitted, claims } = await withAddresses(session, members);
  const guests = admitted.flat();
  await session.rows(insertGuests, [
    JSON.stringify(guests.map((g) => instances.row(g.instance))),
    JSON.stringify(guests.map((g) => operations.row(g.operation))),
    claims.map((c) => c.pool),
    claims.map((c) => c.address),
    claims.map((c) => c.instanceId),
    JSON.stringify(members.flatMap(({ ask }) => ask.events.map(events.row))),
    JSON.stringify(members.map(({ ask }) => auditEntries.row(ask.audit))),
  ]);
  await fillKeptAnswers(session, answers(members, admitted));
  await applyQuotaClaims(session, quotaClaims(members.map(({ ask }) => ask.quota)));
  await applyHostClaims(session, hostClaims(members.flatMap(({ ask }) => ask.guests.map(claimOfGuest))));
  return admitted;
}

const claimOfGuest = ({ instance, claim }: CreateAdmission['guests'][number]) => ({
  hostId: instance.hostId,
  delta: claim,
  instances: 1,
});

function answers(members: readonly Member[], admitted: readonly (readonly Guest[])[]) {
  return members.flatMap(
    (
      { ask },
      n,
    ): { idempotency: { scope: string; key: string; requestHash: string }; answer: StoredAnswer }[] =>
      ask.idempotency ? [{ idempotency: ask.idempotency, answer: ask.answer(admitted[n]!) }] : [],
  );
}

const insertGuests: Sql = {
  name: 'guests-insert',
  text: `
    WITH i AS (
      INSERT INTO instance (${instances.list})
      SELECT ${instances.list} FROM json_populate_recordset(NULL::instance, $1::json)),
    o AS (
      INSERT INTO operation (${operations.list})
      SELECT ${operations.list} FROM json_populate_recordset(NULL::operation, $2::json)),
    e AS (
      INSERT INTO event (${events.list})
      SELECT ${events.list} FROM json_populate_recordset(NULL::event, $6::json)),
    a AS (
      INSERT INTO audit_entry (${auditEntries.list})
      SELECT ${auditEntries.list} FROM json_populate_recordset(NULL::audit_entry, $7::json))
    INSERT INTO ip_claim (pool_id, address, instance_id)
    SELECT * FROM unnest($3::text[], $4::text[], $5::text[])`,
};

interface AddressClaim {
  readonly pool: IpPoolId;
  readonly address: string;
  readonly instanceId: string;
}

async function withAddresses(
  session: Session,
  members: readonly Member[],
): Promise<{ admitted: Guest[][]; claims: AddressClaim[] }> {
  const taken = await takeAll(session, members);
  const claims: AddressClaim[] = [];
  const next = (pool: IpPool | null, instance: Instance) => {
    if (!pool) return null;
    const { from, iterator } = taken.get(pool.id)!;
    const address = iterator.next().value as string;
    claims.push({ pool: pool.id, address, instanceId: instance.id });
    return { address, prefixLength: from.range.prefixLength, gateway: from.gateway };
  };
  const admitted = members.map(({ ask }) =>
    ask.guests.map(({ instance, operation }) => {
      const inner = next(ask.privatePool, instance);
      const outer = next(ask.publicPool, instance);
      return {
        operation,
        instance: {
          ...instance,
          privateAddress: inner?.address ?? null,
          privatePrefixLength: inner?.prefixLength ?? null,
          privateGateway: inner?.gateway ?? null,
          publicAddress: outer?.address ?? null,
        },
      };
    }),
  );
  return { admitted, claims };
}

/** One visit to all pools. */
async function takeAll(session: Session, members: readonly Member[]) {
  const counts = new Map<IpPoolId, number>();
  for (const { ask } of members) {
    for (const pool of [ask.privatePool, ask.publicPool]) {
      if (pool) counts.set(pool.id, (counts.get(pool.id) ?? 0) + ask.guests.length);
    }
  }
  const taken = await takeAddresses(session, counts);
  return new Map([...taken].map(([pool, from]) => [pool, { from, iterator: from.addresses.values() }]));
}
