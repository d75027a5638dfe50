import type { Change } from '@bellows/operations/ports/store';
import type { Session } from '../db.js';

export type ChangeOf<Kind extends Change['change']> = Extract<Change, { change: Kind }>;

/** Makes a change inside an open transaction, or throws `Refused`. */
export type Apply<Kind extends Change['change']> = (
  session: Session,
  change: ChangeOf<Kind>,
) => Promise<void>;

/** The same for all changes of one kind that a transaction makes. */
export type ApplyAll<Kind extends Change['change']> = (
  session: Session,
  changes: readonly ChangeOf<Kind>[],
) => Promise<void>;
