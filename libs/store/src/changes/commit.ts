import type { Change, CommitResult } from '@bellows/operations/ports/store';
import { refusalIn } from '../db-errors.js';
import type { Database, Session } from '../db.js';
import { releaseAddresses } from '../addresses.js';
import * as catalogue from './catalogue.js';
import {
  applyHostClaims,
  applyQuotaClaims,
  hostClaims,
  isHostClaim,
  isQuotaClaim,
  quotaClaims,
} from './claims.js';
import { deleteHost, insertHost, updateHost } from './host.js';
import { cutUsage, updateInstance } from './instance.js';
import type { Apply, ChangeOf } from './kinds.js';
import { finishOperation, insertOperation, requestCancel } from './operation.js';
import { appendAudit, appendEvents, keepAnswer } from './records.js';

type Single = Exclude<Change['change'], 'claim-host' | 'claim-quota' | 'event' | 'audit'>;

/**
 * The order in which locks are taken, whatever order the changes came in: keys, operations, inserts, instance,
 * addresses, quota, hosts. An operation is finished before the next of its instance is inserted.
 */
const ranks = {
  'keep-answer': 0,
  'finish-operation': 1,
  'request-cancel': 1,
  'insert-project': 2,
  'insert-token': 2,
  'revoke-token': 2,
  'insert-host': 2,
  'insert-ip-pool': 2,
  'put-plan': 2,
  'put-image': 2,
  'insert-operation': 2,
  'update-instance': 3,
  'cut-usage': 3,
  'release-addresses': 4,
  'delete-ip-pool': 4,
  'set-quota': 5,
  'update-host': 7,
  'delete-host': 9,
} as const satisfies Record<Single, number>;
const quotaRank = 6;
const claimRank = 8;

const appliers: { readonly [Kind in Single]: Apply<Kind> } = {
  'keep-answer': keepAnswer,
  'finish-operation': finishOperation,
  'request-cancel': requestCancel,
  'insert-project': catalogue.insertProject,
  'insert-token': catalogue.insertToken,
  'revoke-token': catalogue.revokeToken,
  'insert-host': insertHost,
  'insert-ip-pool': catalogue.insertIpPool,
  'put-plan': catalogue.putPlan,
  'put-image': catalogue.putImage,
  'insert-operation': insertOperation,
  'update-instance': updateInstance,
  'cut-usage': cutUsage,
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

function stepsOf(changes: readonly Change[]): Step[] {
  const of = <Kind extends Change['change']>(kind: Kind): ChangeOf<Kind>[] =>
    changes.filter((c): c is ChangeOf<Kind> => c.change === kind);
  const grouped = new Set<string>(['claim-host', 'claim-quota', 'event', 'audit']);
  const steps = changes.filter((c): c is ChangeOf<Single> => !grouped.has(c.change)).map(stepOf);
  steps.push(
    [
      3,
      (session) =>
        appendEvents(
          session,
          of('event').map((c) => c.event),
        ),
    ],
    [
      3,
      (session) =>
        appendAudit(
          session,
          of('audit').map((c) => c.entry),
        ),
    ],
    [quotaRank, (session) => applyQuotaClaims(session, quotaClaims(changes.filter(isQuotaClaim)))],
    [claimRank, (session) => applyHostClaims(session, hostClaims(changes.filter(isHostClaim)))],
  );
  return steps.sort(([a], [b]) => a - b);
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
