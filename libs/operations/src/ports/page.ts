/** A part of a list. */
export interface Page<Row> {
  readonly items: readonly Row[];
  readonly nextCursor: string | null;
}

export interface PageAsk {
  /** 1..500 */
  readonly limit: number;
  readonly cursor: string | null;
}
