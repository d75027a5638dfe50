import type { Change, CommitResult } from '@bellows/operations/ports/store';
import { refusalIn } from '../db-errors.js';
import type { Database, Session } from '../db.js';
import { releaseAddresses } from '../addresses.js';
import * as catalogue from './catalogue.js';
import { applyHostClaims, applyQuotaClaims, hostClaims, quotaClaims } from './claims.js';
import { deleteHost, insertHost, updateHost } from './host.js';
import { cutUsage, updateInstances } from './instance.js';
import type { Apply, ApplyAll, ChangeOf } from './kinds.js';
import { finishOperations, insertOperation, requestCancel } from './operation.js';
import { appendAudit, appendEvents, keepAnswer } from './records.js';

/** Made for all changes of the kind at once. */
type Grouped =
  'claim-host' | 'claim-quota' | 'event' | 'audit' | 'finish-operation' | 'update-instance' | 'cut-usage';
type Single = Exclude<Change['change'], Grouped>;

/**
 * The order in which locks are taken, whatever order the changes came in: keys, operations, inserts, instance,
 * addresses, quota, hosts. An operation is finished before the next of its instance is inserted.
 */
const ranks = {
  'keep-answer': 0,
  'request-cancel': 1,
  'insert-project': 2,
  'insert-token': 2,
  'revoke-token': 2,
  'insert-host': 2,
  'insert-ip-pool': 2,
  'put-plan': 2,
  'put-image': 2,
  'insert-operation': 2,
  'release-addresses': 4,
  'delete-ip-pool': 4,
  'set-quota': 5,
  'update-host': 7,
  'delete-host': 9,
} as const satisfies Record<Single, number>;
const appliers: { readonly [Kind in Single]: Apply<Kind> } = {
  'keep-answer': keepAnswer,
  'request-cancel': requestCancel,
  'insert-project': catalogue.insertProject,
  'insert-token': catalogue.insertToken,
  'revoke-token': catalogue.revokeToken,
  'insert-host': insertHost,
  'insert-ip-pool': catalogue.insertIpPool,
  'put-plan': catalogue.putPlan,
  'put-image': catalogue.putImage,
  'insert-operation': insertOperation,
  'release-addresses': (session, { instanceId }) => releaseAddresses(session, instanceId),
  'delete-ip-pool': catalogue.deleteIpPool,
  'set-quota': catalogue.setQuota,
  'update-host': updateHost,
  'delete-host': deleteHost,
};

type Step = readonly [rank: number, run: (session: Session) => Promise<void>];

function stepOf(change: ChangeOf<Single>): Step {
  const apply = appliers[change.change] as (session: Session, change: ChangeOf<Single>) => Promise<void>;
  return [ranks[change.change], (session) => apply(session, change)];
}

const groups: { readonly [Kind in Grouped]: readonly [rank: number, apply: ApplyAll<Kind>] } = {
  'finish-operation': [1, finishOperations],
  event: [
    2,
    (session, changes) =>
      appendEvents(
        session,
        changes.map(({ event }) => event),
      ),
  ],
  audit: [
    2,
    (session, changes) =>
      appendAudit(
        session,
        changes.map(({ entry }) => entry),
      ),
  ],
  'update-instance': [3, updateInstances],
  'cut-usage': [3, cutUsage],
  'claim-quota': [6, (session, changes) => applyQuotaClaims(session, quotaClaims(changes))],
  'claim-host': [8, (session, changes) => applyHostClaims(session, hostClaims(changes))],
};

function groupSteps(changes: readonly Change[]): Step[] {
  return Object.entries(groups).flatMap(([kind, [rank, applyTo]]): Step[] => {
    const apply = applyTo as unknown as (session: Session, all: readonly Change[]) => Promise<void>;
    const all = changes.filter((change) => change.change === kind);
    return all.length === 0 ? [] : [[rank, (session) => apply(session, all)]];
  });
}

function stepsOf(changes: readonly Change[]): Step[] {
  const singles = changes.filter((c): c is ChangeOf<Single> => !(c.change in groups));
  return [...singles.map(stepOf), ...groupSteps(changes)].sort(([a], [b]) => a - b);
}

/** All changes in one transaction, or none and why. Throws `StoreUnavailableError`. */
export async function commitChanges(database: Database, changes: readonly Change[]): Promise<CommitResult> {
  const steps = stepsOf(changes);
  try {
    await database.transaction(async (session) => {
      for (const [, run] of steps) await run(session);
    });
    return { ok: true };
  } catch (error) {
    const refusal = refusalIn(error);
    if (!refusal) throw error;
    return { ok: false, ...refusal };
  }
}

/**
 * Several commits of which each ends another operation: in one transaction. Where one of them is refused this throws,
 * and nothing of any was made.
 */
export async function commitTogether(
  database: Database,
  commits: readonly (readonly Change[])[],
): Promise<CommitResult[]> {
  if (commits.length === 1) return [await commitChanges(database, commits[0]!)];
  const steps = stepsOf(commits.flat());
  await database.transaction(async (session) => {
    for (const [, run] of steps) await run(session);
  });
  return commits.map(() => ({ ok: true }));
}
