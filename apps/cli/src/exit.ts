/** What the exit code says. Kept stable: scripts switch on it. */
export const exit = {
  ok: 0,
  refused: 1,
  usage: 2,
  unreachable: 3,
  unfinished: 4,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

export const exitHelp = `
Exit codes:
  0    done; without --wait: accepted
  1    the API refused, or the operation failed and was undone or cancelled
  2    usage: an unknown option, a bad value, an ambiguous name, no login
  3    the API cannot be reached
  4    neither done nor undone: the operation ended partial or stuck, or --timeout passed
  130  interrupted; an accepted operation goes on

Environment:
  BELLOWS_URL, BELLOWS_TOKEN   win over what "bellows login" stored
  NO_COLOR                     no colours; there are none off a terminal either`;

/** The user can mend it by calling us differently. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** No answer came, after several tries. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** What was asked for by name is not there. Code and wording as the API itself would answer for an id. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

/** Ctrl-C. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}
