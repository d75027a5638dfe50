import type { EpochMs } from '@bellows/operations/ports/rows';

/** RFC 3339, UTC, milliseconds. */
export const timeOf = (at: EpochMs): string => new Date(at).toISOString();
export const timeOrNull = (at: EpochMs | null): string | null => (at === null ? null : timeOf(at));
