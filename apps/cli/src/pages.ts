import { Option, type Command } from 'commander';
import { parseCount } from './format/units.js';
import type { Column } from './format/table.js';
import type { Session } from './session.js';

export interface Page<Row> {
  readonly items: Row[];
  readonly nextCursor: string | null;
}
export interface PageOptions {
  readonly limit?: number;
  readonly cursor?: string;
  readonly all?: boolean;
}
type FetchPage<Row> = (query: { limit: number; cursor?: string }) => Promise<{ data?: Page<Row> }>;

/** The most the API gives at once, and what it gives unasked. */
const largestPage = 500;
const usualPage = 100;

export const withPages = (command: Command): Command =>
  command
    .addOption(new Option('--limit <n>', `at most so many (default ${usualPage})`).argParser(parseCount))
    .option('--cursor <text>', 'go on from the nextCursor of an earlier answer')
    .option('--all', 'every one, however many');

/** As many pages as were asked for, put together as one. */
export async function collect<Row>(fetchPage: FetchPage<Row>, options: PageOptions = {}): Promise<Page<Row>> {
  const most = options.all ? Infinity : (options.limit ?? usualPage);
  const items: Row[] = [];
  let cursor = options.cursor;
  for (;;) {
    const limit = Math.max(1, Math.min(largestPage, most - items.length));
    const { data } = await fetchPage({ limit, ...(cursor !== undefined && { cursor }) });
    items.push(...data!.items);
    cursor = data!.nextCursor ?? undefined;
    if (cursor === undefined || items.length >= most) return { items, nextCursor: cursor ?? null };
  }
}

/** @param what plural, for `No instances.` */
export function showList<Row>(
  session: Session,
  what: string,
  columns: readonly Column<Row>[],
  page: Page<Row>,
  options: PageOptions = {},
) {
  if (page.items.length === 0 && !session.options.json) return session.note(`no ${what}`);
  session.show(page, () => session.table(columns, page.items));
  if (page.nextCursor !== null && options.limit === undefined && !session.options.json)
    session.note(`the first ${page.items.length} ${what}; --all shows every one`);
}
