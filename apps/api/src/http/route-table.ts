/** Which methods each path knows: an unknown method on a known path is 405, not 404. */
export class RouteTable {
  private readonly methodsByPattern = new Map<string, { form: RegExp; methods: Set<string> }>();

  /** @param pattern such as `/v1/hosts/:id`. */
  add(pattern: string, methods: string | readonly string[]): void {
    const form = pattern
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : escaped(part)));
    const row = this.methodsByPattern.get(pattern) ?? {
      form: new RegExp(`^${form.join('/')}/?$`),
      methods: new Set(),
    };
    this.methodsByPattern.set(pattern, row);
    for (const method of [methods].flat()) row.methods.add(method);
  }

  methodsOf(path: string): string[] {
    const known = [...this.methodsByPattern.values()].filter(({ form }) => form.test(path));
    return [...new Set(known.flatMap(({ methods }) => [...methods]))].sort();
  }
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
