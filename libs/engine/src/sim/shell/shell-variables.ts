import type { FileTree } from '../files/file-tree.js';
import { ExpansionError } from './expand.js';
import type { Process } from './process.js';

const mostVariables = 2000;
const mostChars = 2 * 1024 * 1024;

/** What a shell remembers by name: variables, its arguments, its options, its last status. */
export class ShellVariables {
  readonly exported: Set<string>;
  readonly options = new Set<string>();
  readonly jobs: Promise<number>[] = [];
  positional: string[];
  status = 0;
  /** Of all values set here. */
  private chars = 0;

  constructor(
    readonly process: Process,
    readonly name: string,
    args: readonly string[],
    readonly vars: Map<string, string>,
  ) {
    this.positional = [...args];
    this.exported = new Set(process.env.keys());
  }

  get tree(): FileTree {
    return this.process.machine.tree;
  }

  get cwd(): string {
    return this.process.cwd;
  }

  get(name: string): string | undefined {
    switch (name) {
      case '?':
        return String(this.status);
      case '$':
        return String(this.process.pid);
      case '#':
        return String(this.positional.length);
      case '@':
      case '*':
        return this.positional.join(' ');
      case '0':
        return this.name;
      case '-':
        return [...this.options].join('');
      case '!':
        return String(this.process.pid + this.jobs.length);
    }
    if (/^\d+$/.test(name)) return this.positional[Number(name) - 1];
    const value = this.vars.get(name);
    if (value === undefined && this.options.has('u')) throw new ExpansionError(`${name}: parameter not set`);
    return value;
  }

  set(name: string, value: string): void {
    const before = this.vars.get(name);
    this.chars += value.length - (before?.length ?? 0);
    const full = this.chars > mostChars || (before === undefined && this.vars.size > mostVariables);
    if (full) throw new ExpansionError('out of memory');
    this.vars.set(name, value);
  }

  environment(): Map<string, string> {
    return new Map([...this.vars].filter(([name]) => this.exported.has(name)));
  }
}
