import { isRefusal, type Refusal } from '@bellows/domain/refusal';
import type { Page, PageAsk } from '@bellows/operations/ports/store';
import { QueryIntegerField, TextField } from './fields.js';

/** What every listing takes. */
export class PageQuery {
  @QueryIntegerField({ min: 1, max: 500, optional: true, description: 'Default 100.' })
  limit?: string;
  @TextField({
    optional: true,
    max: 1024,
    pattern: /^[\x21-\x7e]+$/,
    form: 'the nextCursor of the page before',
  })
  cursor?: string;
}

export class ProjectQuery {
  @TextField({ optional: true, max: 64, description: 'For admins; others have one project.' })
  project?: string;
}

export class ProjectPageQuery extends PageQuery {
  @TextField({
    optional: true,
    max: 64,
    description: 'Only this project; for admins, who otherwise see all.',
  })
  project?: string;
}

export const pageAsk = ({ limit, cursor }: PageQuery): PageAsk => ({
  limit: Number(limit ?? 100),
  cursor: cursor ?? null,
});

/** Renders each row. */
export async function paged<Row, View>(
  page: Promise<Page<Row> | Refusal>,
  view: (row: Row) => View,
): Promise<{ items: View[]; nextCursor: string | null } | Refusal> {
  const found = await page;
  if (isRefusal(found)) return found;
  return { items: found.items.map(view), nextCursor: found.nextCursor };
}

/** Short lists come whole, in the shape of a page; they take `limit` and `cursor` so that a client need not know. */
export class NoQuery extends PageQuery {}

/** A list that always fits one page. */
export const whole = <Row, View>(rows: readonly Row[], view: (row: Row) => View) => ({
  items: rows.map(view),
  nextCursor: null,
});
