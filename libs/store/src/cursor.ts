import { BadCursorError } from '@bellows/operations/ports/store-errors';
import type { Page, PageAsk } from '@bellows/operations/ports/store';
import type { Row, Session } from './db.js';

/** Where a page ended: the two keys that order the listing. Opaque to clients. */
const encode = (at: unknown, id: unknown): string =>
  Buffer.from(JSON.stringify([at, id])).toString('base64url');

function decode(cursor: string): [number, string | number] {
  if (/^[A-Za-z0-9_-]{1,400}$/.test(cursor)) {
    try {
      const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
      if (Array.isArray(value) && value.length === 2) {
        const [at, id] = value as unknown[];
        const idFits = (typeof id === 'string' && !id.includes('\0')) || Number.isSafeInteger(id);
        if (Number.isSafeInteger(at) && idFits) return [at as number, id as string | number];
      }
    } catch {
      // not JSON: falls through
    }
  }
  throw new BadCursorError();
}

/** Collects conditions with their values; `undefined` adds none. */
export class Where {
  readonly values: unknown[] = [];
  private readonly conditions: string[] = [];

  /** `condition` names the value as `?`. */
  and(condition: string, value: unknown): this {
    if (value === undefined) return this;
    this.values.push(value);
    this.conditions.push(condition.replaceAll('?', `$${this.values.length}`));
    return this;
  }

  plain(condition: string): this {
    this.conditions.push(condition);
    return this;
  }

  toString(): string {
    return this.conditions.length === 0 ? '' : `WHERE ${this.conditions.join(' AND ')}`;
  }
}

/** One page in the order of two columns, of which the second is unique. */
export async function page<Item>(
  session: Session,
  ask: PageAsk,
  from: {
    table: string;
    columns: string;
    at: string;
    id: string;
    idType: 'text' | 'bigint';
    newestFirst?: true;
  },
  where: Where,
  toItem: (row: Row) => Item,
): Promise<Page<Item>> {
  if (ask.cursor !== null) {
    const [at, id] = decode(ask.cursor);
    if ((typeof id === 'number') !== (from.idType === 'bigint')) throw new BadCursorError();
    where.values.push(at, id);
    const n = where.values.length;
    where.plain(
      `(${from.at}, ${from.id}) ${from.newestFirst ? '<' : '>'} ($${n - 1}::bigint, $${n}::${from.idType})`,
    );
  }
  const way = from.newestFirst ? 'DESC' : 'ASC';
  const limit = Math.min(Math.max(1, Math.trunc(ask.limit)), 500);
  const rows = await session.rows(
    {
      text: `SELECT ${from.columns} FROM ${from.table} ${where.toString()}
             ORDER BY ${from.at} ${way}, ${from.id} ${way} LIMIT ${limit + 1}`,
    },
    where.values,
  );
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(toItem),
    nextCursor: rows.length > limit && last ? encode(last[from.at], last[from.id]) : null,
  };
}
