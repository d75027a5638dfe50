import { ProblemError } from '@bellows/api-client/problem';
import {
  exit,
  InterruptedError,
  NotFoundError,
  UnreachableError,
  UsageError,
  type ExitCode,
} from './exit.js';
import { toned, type Paint } from './format/styles.js';
import { plain } from './format/text.js';

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return exit.usage;
  if (error instanceof UnreachableError) return exit.unreachable;
  if (error instanceof InterruptedError) return exit.interrupted;
  return exit.refused;
}

/** What to try next, where the code alone tells. */
const hints: Readonly<Record<string, string>> = {
  unauthorized: 'Log in with a valid token: bellows login',
  'not-elastic': 'See the elastic plans: bellows plan list',
};

/** The sentence first, then what a program would switch on, then each field that is wrong. */
export function problemText(error: unknown, paint: Paint): string {
  const lead = paint(toned('bellows:', 'bad'));
  if (error instanceof ProblemError) {
    const { detail, title, code, status, errors = [] } = error.problem;
    const lines = [
      `${lead} ${plain(detail || title)}`,
      paint(toned(`  code ${plain(code)} (HTTP ${status})`, 'faint')),
      ...errors.map(({ pointer, detail: why }) => {
        const where = plain(pointer) || '(body)';
        return why === detail ? `  ${where}` : `  ${where}  ${plain(why)}`;
      }),
      ...followUps(error).map((line) => paint(toned(`  ${line}`, 'faint'))),
    ];
    return `${lines.join('\n')}\n`;
  }
  if (error instanceof NotFoundError)
    return `${lead} ${plain(error.message)}\n${paint(toned('  code not-found', 'faint'))}\n`;
  const message = error instanceof Error ? error.message : String(error);
  return `${lead} ${message}\n`;
}

function followUps({ problem, code, retryAfterSeconds }: ProblemError): string[] {
  const hint = hints[code];
  const busy =
    typeof problem['operationId'] === 'string' &&
    `Follow it: bellows op wait ${plain(problem['operationId'])}`;
  const later = retryAfterSeconds !== null && `Try again in ${retryAfterSeconds} s`;
  return [hint, busy, later].filter((line) => typeof line === 'string');
}
