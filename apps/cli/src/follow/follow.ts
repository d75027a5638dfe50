import type { Operation } from '@bellows/api-client/client';
import { waitForOperation } from '@bellows/api-client/wait';
import { InterruptedError } from '../exit.js';
import type { Session } from '../session.js';
import { stepChanges, stepsLine } from './steps-line.js';

export interface Followed {
  /** What people call it: the instance's name. */
  readonly label: string;
  readonly operation: Operation;
}
export interface WaitOptions {
  readonly wait?: boolean;
  readonly timeout?: number;
}

/** So many are asked for at once; the rest wait their turn. */
const atOnce = 8;

/**
 * Waits for all of them, and shows their steps on stderr: on a terminal one line, always up to date; elsewhere a
 * line a change; with --json nothing.
 * @returns the operations as they ended, or as they were when `timeout` had passed.
 */
export async function follow(
  session: Session,
  all: Followed[],
  { timeout }: WaitOptions,
): Promise<Operation[]> {
  const api = await session.api;
  const { interrupted } = session.io;
  const progress = progressFor(session, all);
  const until = timeout === undefined ? undefined : Date.now() + timeout;
  const ended: Operation[] = [];
  const queue = [...all.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [i, { operation }] = next;
      progress.saw(i, operation);
      ended[i] = await waitForOperation(api, operation.id, {
        pollSeconds: 1,
        signal: interrupted,
        ...(until !== undefined && { timeoutMs: Math.max(0, until - Date.now()) }),
        onProgress: (seen) => progress.saw(i, seen),
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
  } catch (error) {
    if (interrupted.aborted) throw goesOn(all);
    throw error;
  } finally {
    progress.end();
  }
  return ended;
}

const goesOn = (all: readonly Followed[]): InterruptedError => {
  const ids = all.map(({ operation }) => operation.id);
  const [first] = ids;
  return new InterruptedError(
    ids.length === 1
      ? `interrupted; the operation goes on\n  follow it:       bellows op wait ${first}\n  turn it round:   bellows op cancel ${first}`
      : `interrupted; ${ids.length} operations go on. See them: bellows op list`,
  );
};

interface Progress {
  saw(i: number, operation: Operation): void;
  end(): void;
}

function progressFor(session: Session, all: readonly Followed[]): Progress {
  const { stderr, env } = session.io;
  if (stderr.isTTY && env['TERM'] !== 'dumb') return liveLine(session, all);
  if (session.options.json) return { saw() {}, end() {} };
  const last: Operation[] = [];
  return {
    saw(i, operation) {
      const changes = stepChanges(all[i]!.label, last[i] ?? null, operation);
      for (const line of changes) stderr.write(`${line}\n`);
      last[i] = operation;
    },
    end() {},
  };
}

const live = new Set<Operation['state']>(['pending', 'running']);

/** Drawn over itself; gone when all have ended, so that only the result stays. */
function liveLine({ io: { stderr }, paintErr }: Session, all: readonly Followed[]): Progress {
  const seen = all.map(({ operation }) => operation);
  let frame = 0;
  const draw = () => {
    const look = { now: Date.now(), columns: stderr.columns ?? 80, frame: frame++, paint: paintErr };
    const running = seen.findIndex(({ state }) => live.has(state));
    const i = Math.max(0, running);
    const over = seen.filter(({ state }) => !live.has(state)).length;
    const count = seen.length > 1 ? `${over} of ${seen.length}  ` : '';
    stderr.write(`\r\x1b[2K${stepsLine(count + all[i]!.label, seen[i]!, look)}`);
  };
  const timer = setInterval(draw, 100);
  stderr.write('\x1b[?25l');
  return {
    saw(i, operation) {
      seen[i] = operation;
      draw();
    },
    end() {
      clearInterval(timer);
      stderr.write('\r\x1b[2K\x1b[?25h');
    },
  };
}
