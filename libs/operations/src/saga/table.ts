import type { OperationKind } from '@bellows/domain/lifecycle';
import type { Saga } from './saga.js';

/** Every saga by the operation it carries out; a missing or doubled kind does not compile. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each saga has its own plan type
export type SagaTable = { readonly [Kind in OperationKind]: Saga<any> & { readonly kind: Kind } };

/** What a worker may lease: a deploy or a rollback never meets a half-done saga it cannot read. */
export const knownVersions = (
  sagas: SagaTable,
): Readonly<Partial<Record<OperationKind, readonly number[]>>> =>
  Object.fromEntries(Object.values(sagas).map((saga) => [saga.kind, [saga.version]]));
