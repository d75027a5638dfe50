import type { Operation } from '@bellows/api-client/client';
import { stepIcon, stepState } from '../format/states.js';
import { toned, type Cell, type Paint } from '../format/styles.js';
import { cut, plain, width } from '../format/text.js';
import { duration } from '../format/units.js';

type Step = Operation['steps'][number];
export const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

const tookMs = ({ startedAt, finishedAt }: Step, now: number): number | null =>
  startedAt === null ? null : (finishedAt === null ? now : Date.parse(finishedAt)) - Date.parse(startedAt);

export interface LineLook {
  readonly now: number;
  readonly columns: number;
  readonly frame: number;
  readonly paint: Paint;
}

/**
 * `web-1  ✓ start  ⠹ await-agent  ○ confirm-growth  3.1 s`: one line that never wraps. Where the terminal is too narrow for all steps,
 * those that are over go first.
 */
export function stepsLine(label: string, operation: Operation, look: LineLook): string {
  const spinner = frames[look.frame % frames.length]!;
  const elapsed = duration(look.now - Date.parse(operation.createdAt));
  const cells: Cell[] = operation.steps.map((step) => {
    const { text, tone } = stepState(step);
    const again = step.attempt > 1 ? ` (try ${step.attempt})` : '';
    return toned(plain(step.state === 'running' ? `${spinner} ${step.name}${again}` : text + again), tone);
  });
  if (cells.length === 0) cells.push(toned(`${spinner} ${operation.state}`, 'faint'));
  const room = look.columns - 1;
  let shown = cells;
  const line = (): Cell[] => [toned(plain(label), 'strong'), ...shown, toned(elapsed, 'faint')];
  const wide = () => line().reduce((sum, cell) => sum + width(textOf(cell)) + 2, -2);
  while (shown.length > 1 && wide() > room) shown = shown.slice(1);
  if (wide() > room) return cut(line().map(textOf).join('  '), room);
  return line().map(look.paint).join('  ');
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

/** For a log: what has changed since, a line a step. */
export function stepChanges(label: string, before: Operation | null, after: Operation): string[] {
  return after.steps.flatMap((step, i) => {
    const was = before?.steps[i];
    const news = step.state !== (was?.state ?? 'pending') || step.attempt > (was?.attempt ?? 1);
    if (!news || step.state === 'pending') return [];
    const ms = step.state === 'running' ? null : tookMs(step, Date.now());
    const parts = [
      `${label}: ${stepIcon(step)} ${step.name}`,
      step.state === 'done' ? '' : step.state,
      step.attempt > 1 ? `try ${step.attempt}` : '',
      ms === null ? '' : duration(ms),
      step.error ?? '',
    ];
    return [plain(parts.filter(Boolean).join(', '))];
  });
}
