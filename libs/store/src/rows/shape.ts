import type { Row } from '../db.js';

/** How a row of the port lies in columns: sizes and bounds are spread over several, the rest is one each. */
export interface Shape {
  readonly plain: readonly string[];
  readonly json?: readonly string[];
  /** `{vcpus, ramMib, diskGib}` in `<name>_vcpus`, `<name>_ram_mib`, `<name>_disk_gib`. */
  readonly sizes?: readonly string[];
  /** `{vcpus, ramMib}` likewise. */
  readonly bounds?: readonly string[];
}

export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const parts = {
  sizes: ['vcpus', 'ramMib', 'diskGib'],
  bounds: ['vcpus', 'ramMib'],
} as const;

interface Field {
  readonly name: string;
  readonly json: boolean;
  /** Null for a plain field; else the part names and their columns. */
  readonly spread: readonly (readonly [part: string, column: string])[] | null;
  readonly column: string;
}

/** Reads and writes the rows of one table. `Item` is a type of `ports/rows.ts`. */
export class Mapping<Item> {
  private readonly fields: readonly Field[];
  readonly columns: readonly string[];
  /** For SELECT and INSERT lists. */
  readonly list: string;

  constructor(shape: Shape) {
    const spread = (kind: 'sizes' | 'bounds'): Field[] =>
      (shape[kind] ?? []).map((name) => ({
        name,
        json: false,
        column: '',
        spread: parts[kind].map((part) => [part, `${snake(name)}_${snake(part)}`] as const),
      }));
    const single = (names: readonly string[], json: boolean): Field[] =>
      names.map((name) => ({ name, json, column: snake(name), spread: null }));
    this.fields = [
      ...single(shape.plain, false),
      ...single(shape.json ?? [], true),
      ...spread('sizes'),
      ...spread('bounds'),
    ];
    this.columns = this.fields.flatMap((f) => (f.spread ? f.spread.map(([, column]) => column) : [f.column]));
    this.list = this.columns.join(', ');
  }

  readonly item = (row: Row): Item => {
    const item: Row = {};
    for (const field of this.fields) {
      if (!field.spread) item[field.name] = row[field.column];
      else {
        const whole: Row = {};
        for (const [part, column] of field.spread) whole[part] = row[column];
        item[field.name] = whole;
      }
    }
    return item as Item;
  };

  /** The columns of the fields that are present: an object ready for JSON. */
  readonly row = (item: Partial<Item>): Row => {
    const row: Row = {};
    for (const field of this.fields) {
      const value = (item as Row)[field.name];
      if (value === undefined) continue;
      if (!field.spread) row[field.column] = value;
      else for (const [part, column] of field.spread) row[column] = (value as Row)[part];
    }
    return row;
  };

  readonly columnsOf = (item: Partial<Item>): string[] => Object.keys(this.row(item));

  /** The same as statement parameters: JSON columns as text. */
  readonly parameters = (item: Partial<Item>): [column: string, value: unknown][] => {
    const json = new Set(this.fields.filter((f) => f.json).map((f) => f.column));
    return Object.entries(this.row(item)).map(([column, value]) => [
      column,
      json.has(column) && value !== null ? JSON.stringify(value) : value,
    ]);
  };
}
