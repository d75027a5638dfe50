import { badRequest } from '../docker-error.js';

/** The `filters` of a query: `{"label": ["a=b"]}`, or the older `{"label": {"a=b": true}}`. */
export class Filters {
  private constructor(private readonly given: ReadonlyMap<string, readonly string[]>) {}

  /** @throws DockerError 400 */
  static parse(text: string | null, known: readonly string[]): Filters {
    if (text === null || text === '') return new Filters(new Map());
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw badRequest('invalid filter');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badRequest('invalid filter');
    const given = new Map<string, readonly string[]>();
    for (const [key, entry] of Object.entries(value)) {
      if (!known.includes(key)) throw badRequest(`invalid filter '${key}'`);
      const values: unknown[] = Array.isArray(entry) ? entry : Object.keys((entry ?? {}) as object);
      given.set(
        key,
        values.filter((item) => typeof item === 'string'),
      );
    }
    return new Filters(given);
  }

  has(key: string): boolean {
    return (this.given.get(key)?.length ?? 0) > 0;
  }

  values(key: string): readonly string[] {
    return this.given.get(key) ?? [];
  }

  /** No such filter, or one of its values satisfies. */
  any(key: string, satisfies: (value: string) => boolean): boolean {
    return !this.has(key) || this.values(key).some(satisfies);
  }

  /** `true`, `1`, `false`, `0`; null when not given. */
  flag(key: string): boolean | null {
    const value = this.values(key)[0];
    if (value === undefined) return null;
    if (['true', '1'].includes(value)) return true;
    if (['false', '0'].includes(value)) return false;
    throw badRequest(`invalid filter '${key}=[${value}]'`);
  }

  matchesLabels(labels: Readonly<Record<string, string>>): boolean {
    const holds = (wanted: string) => {
      const at = wanted.indexOf('=');
      return at < 0 ? wanted in labels : labels[wanted.slice(0, at)] === wanted.slice(at + 1);
    };
    return this.values('label').every(holds) && !this.values('label!').some(holds);
  }
}
