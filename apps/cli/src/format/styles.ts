import type { Output } from '../io.js';

/** What a piece of text means; a terminal shows it as a colour, everything else by icon and word alone. */
export type Tone = 'good' | 'busy' | 'bad' | 'faint' | 'strong';

export interface Toned {
  readonly text: string;
  readonly tone: Tone;
}
export type Cell = string | Toned;

export const toned = (text: string, tone: Tone): Toned => ({ text, tone });

const sgr: Readonly<Record<Tone, readonly [number, number]>> = {
  good: [32, 39],
  busy: [33, 39],
  bad: [31, 39],
  faint: [2, 22],
  strong: [1, 22],
};

export type Paint = (cell: Cell) => string;

export const plainPaint: Paint = (cell) => (typeof cell === 'string' ? cell : cell.text);

const colourPaint: Paint = (cell) => {
  if (typeof cell === 'string') return cell;
  const [on, off] = sgr[cell.tone];
  return `\x1b[${on}m${cell.text}\x1b[${off}m`;
};

/** NO_COLOR: https://no-color.org, any text but the empty one. */
export const colourful = ({ isTTY }: Output, env: Readonly<Record<string, string | undefined>>): boolean =>
  isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';

export const paintFor = (output: Output, env: Readonly<Record<string, string | undefined>>): Paint =>
  colourful(output, env) ? colourPaint : plainPaint;
