import { plainPaint, toned, type Cell, type Paint } from './styles.js';
import { plain, width } from './text.js';

export interface Column<Row> {
  readonly header: string;
  /** @param now epoch milliseconds, for ages. */
  readonly cell: (row: Row, now: number) => Cell;
  readonly align?: 'right';
  /** Shown with --wide only. */
  readonly wide?: true;
}

export interface TableLook {
  readonly now: number;
  readonly wide?: boolean;
  readonly paint?: Paint;
}

const safe = (cell: Cell): Cell =>
  typeof cell === 'string' ? plain(cell) : { ...cell, text: plain(cell.text) };
const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

/** Lines of aligned columns, two blanks apart, without blanks at the end; ends with a line break. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], look: TableLook): string {
  const shown = columns.filter((column) => look.wide || !column.wide);
  const head = shown.map(({ header }): Cell => toned(header, 'faint'));
  const body = rows.map((row) => shown.map(({ cell }) => safe(cell(row, look.now))));
  return grid(
    [head, ...body],
    shown.map(({ align }) => align),
    look.paint ?? plainPaint,
  );
}

function grid(lines: readonly (readonly Cell[])[], aligns: readonly ('right' | undefined)[], paint: Paint) {
  const widths = aligns.map((_, column) => Math.max(...lines.map((line) => width(textOf(line[column]!)))));
  const rendered = lines.map((line) =>
    line.map((cell, column) => {
      const blanks = ' '.repeat(widths[column]! - width(textOf(cell)));
      const last = column === line.length - 1;
      if (aligns[column] === 'right') return blanks + paint(cell);
      return paint(cell) + (last ? '' : blanks);
    }),
  );
  return rendered.map((cells) => `${cells.join('  ').trimEnd()}\n`).join('');
}

export type Fact = readonly [label: string, ...cells: Cell[]];

/** One thing in detail: a label and a value a line. A fact without cells is left out. */
export function facts(lines: readonly Fact[], paint: Paint = plainPaint): string {
  const known = lines.filter(([, ...cells]) => cells.some((cell) => textOf(cell) !== ''));
  const column = Math.max(...known.map(([label]) => width(label))) + 2;
  return known
    .map(([label, ...cells]) => {
      const value = cells.map((cell) => paint(safe(cell))).join('  ');
      return `${paint(toned(label, 'faint'))}${' '.repeat(column - width(label))}${value}\n`;
    })
    .join('');
}
