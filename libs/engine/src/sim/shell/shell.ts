import type { Node, Redirect, Word } from './ast.js';
import { builtins } from './builtins.js';
import { BreakLoop, ForkFailure, Interrupted, ReturnValue } from './control.js';
import { ExpansionError, expandPattern, expandText, expandWords } from './expand.js';
import { globMatches } from './glob.js';
import { FsError } from '../files/node.js';
import { parseScript } from './parse.js';
import { Capture, Pipe, type Io } from './pipes.js';
import { Exit, Killed, type Process } from './process.js';
import { redirectedIo } from './redirect.js';
import type { ShellFace } from './shell-face.js';
import { ShellVariables } from './shell-variables.js';

const mostCalls = 60;

/** One shell environment: a shell process, or a subshell of it. */
export class Shell extends ShellVariables implements ShellFace {
  readonly traps = new Map<string, string>();
  loops = 0;
  interrupted = false;
  pendingTraps: string[] = [];
  private calls = 0;

  constructor(
    process: Process,
    name: string,
    args: readonly string[],
    vars: Map<string, string>,
    readonly functions = new Map<string, Node>(),
  ) {
    super(process, name, args, vars);
  }

  static of(process: Process, name: string, args: readonly string[]): Shell {
    return new Shell(process, name, args, new Map(process.env));
  }

  async capture(body: Node): Promise<string> {
    const out = new Capture();
    this.status = await this.fork().guarded(body, { ...this.process.io, stdout: out }, this.process.io);
    return out.text();
  }

  /** Runs text as if it stood in the script. */
  async source(text: string, io = this.process.io): Promise<number> {
    return this.run(parseScript(text), io);
  }

  async run(node: Node, io: Io): Promise<number> {
    await this.process.step();
    if (this.interrupted) throw new Interrupted();
    await this.runTraps(io);
    this.status = await this.execute(node, io);
    return this.status;
  }

  async runTraps(io: Io): Promise<void> {
    for (const action of this.pendingTraps.splice(0)) await this.source(action, io);
  }

  private async execute(node: Node, io: Io): Promise<number> {
    switch (node.t) {
      case 'simple':
        return this.simple(node, io);
      case 'pipe': {
        const status =
          node.parts.length === 1 ? await this.run(node.parts[0]!, io) : await this.pipeline(node.parts, io);
        return node.negate ? (status === 0 ? 1 : 0) : status;
      }
      case 'and':
        return (await this.unchecked(node.left, io)) === 0 ? this.run(node.right, io) : this.status;
      case 'or':
        return (await this.unchecked(node.left, io)) !== 0 ? this.run(node.right, io) : this.status;
      case 'seq':
        for (const item of node.items) await this.run(item, io);
        return node.items.length === 0 ? 0 : this.status;
      case 'background':
        this.jobs.push(heeded(this.fork().guarded(node.body, io, io)));
        return 0;
      case 'subshell':
        return this.check(await this.fork().guarded(node.body, io, io));
      case 'function':
        this.functions.set(node.name, node.body);
        return 0;
      case 'redirected':
        return this.withRedirects(node.redirects, io, (changed) => this.run(node.body, changed));
      default:
        return this.compound(node, io);
    }
  }

  private async compound(node: Node, io: Io): Promise<number> {
    switch (node.t) {
      case 'if':
        for (const [cond, body] of node.clauses)
          if ((await this.unchecked(cond, io)) === 0) return this.run(body, io);
        return node.otherwise ? this.run(node.otherwise, io) : 0;
      case 'while': {
        let status = 0;
        await this.loop(async () => {
          if (((await this.unchecked(node.cond, io)) === 0) === node.until) return false;
          status = await this.run(node.body, io);
          return true;
        });
        return status;
      }
      case 'for': {
        const values = node.words ? await expandWords(this, node.words) : [...this.positional];
        let status = 0;
        await this.loop(async () => {
          const value = values.shift();
          if (value === undefined) return false;
          this.set(node.name, value);
          status = await this.run(node.body, io);
          return true;
        });
        return status;
      }
      case 'case': {
        const text = await expandText(this, node.word);
        for (const [patterns, body] of node.arms)
          for (const pattern of patterns)
            if (globMatches(await expandPattern(this, pattern), text)) return this.run(body, io);
        return 0;
      }
      default:
        return 0;
    }
  }

  private async loop(round: () => Promise<boolean>): Promise<void> {
    this.loops++;
    try {
      for (;;) {
        try {
          await this.process.step();
          if (!(await round())) return;
        } catch (error) {
          if (!(error instanceof BreakLoop)) throw error;
          if (error.levels > 1 && this.loops > 1) throw new BreakLoop(error.levels - 1, error.goOn);
          if (!error.goOn) return;
        }
      }
    } finally {
      this.loops--;
    }
  }

  private async simple(node: Node & { t: 'simple' }, io: Io): Promise<number> {
    const argv = await expandWords(this, node.words);
    const assigns: [string, string][] = [];
    for (const [name, word] of node.assigns) assigns.push([name, await expandText(this, word)]);
    if (this.options.has('x') && argv.length > 0) await io.stderr.write(Buffer.from(`+ ${argv.join(' ')}\n`));
    if (argv.length === 0) {
      for (const [name, value] of assigns) this.set(name, value);
      return this.withRedirects(node.redirects, io, () =>
        Promise.resolve(hasCommand(node.assigns) ? this.status : 0),
      );
    }
    return this.check(
      await this.withRedirects(node.redirects, io, (changed) => this.invoke(argv, assigns, changed)),
    );
  }

  async invoke(argv: string[], assigns: readonly [string, string][], io: Io): Promise<number> {
    const name = argv[0]!;
    const body = this.functions.get(name);
    if (body) return this.call(body, argv.slice(1), io);
    const builtin = builtins.get(name);
    if (builtin) {
      for (const [key, value] of assigns) this.set(key, value);
      return builtin(this, argv, io);
    }
    const env = new Map([...this.environment(), ...assigns]);
    const status = await this.process.wait(this.process.spawn(argv, { env, io, cwd: this.cwd }));
    if (status === 137) await io.stderr.write(Buffer.from('Killed\n'));
    return status;
  }

  private async call(body: Node, args: string[], io: Io): Promise<number> {
    if (++this.calls > mostCalls) throw new ExpansionError('functions nested too deeply');
    const before = this.positional;
    this.positional = args;
    try {
      return await this.run(body, io);
    } catch (error) {
      if (error instanceof ReturnValue) return error.status;
      throw error;
    } finally {
      this.positional = before;
      this.calls--;
    }
  }

  private async pipeline(parts: readonly Node[], io: Io): Promise<number> {
    const running: Promise<number>[] = [];
    let stdin = io.stdin;
    parts.forEach((part, i) => {
      const pipe = i < parts.length - 1 ? new Pipe() : null;
      const input = stdin;
      const own = { ...io, stdin: input, stdout: pipe ?? io.stdout };
      const end = () => {
        pipe?.end();
        if (i > 0 && input instanceof Pipe) input.close();
      };
      running.push(heeded(this.fork().guarded(part, own, io).finally(end)));
      if (pipe) stdin = pipe;
    });
    return this.check((await this.process.wait(Promise.all(running))).at(-1)!);
  }

  private async withRedirects(
    redirects: readonly Redirect[],
    io: Io,
    run: (io: Io) => Promise<number>,
  ): Promise<number> {
    if (redirects.length === 0) return run(io);
    let changed: Io;
    try {
      changed = await redirectedIo(this, redirects, io);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      const what = error.code === 'ENOENT' ? 'nonexistent directory' : error.message;
      await io.stderr.write(Buffer.from(`${this.shellName}: can't create ${error.path}: ${what}\n`));
      return this.check(1);
    }
    return run(changed);
  }

  get shellName(): string {
    return this.process.argv[0]!.split('/').pop()!.replace(/^-/, '');
  }

  /** A condition: `set -e` does not look at it. */
  private async unchecked(node: Node, io: Io): Promise<number> {
    const strict = this.options.delete('e');
    try {
      return await this.run(node, io);
    } finally {
      if (strict) this.options.add('e');
    }
  }

  private check(status: number): number {
    if (status !== 0 && this.options.has('e')) throw new Exit(status);
    return status;
  }

  /** @throws ForkFailure */
  private fork(): Shell {
    if (!this.process.table.mayFork()) throw new ForkFailure();
    const { process, name, positional } = this;
    const copy = new Shell(process, name, positional, new Map(this.vars), new Map(this.functions));
    for (const variable of this.exported) copy.exported.add(variable);
    for (const option of this.options) copy.options.add(option);
    copy.status = this.status;
    copy.calls = this.calls;
    return copy;
  }

  /** Runs a subshell's body to a status, whatever it does. */
  async guarded(body: Node, io: Io, complaints: Io): Promise<number> {
    const { cwd, table } = this.process;
    table.subshells++;
    try {
      return await this.run(body, io);
    } catch (error) {
      return await this.outcome(error, complaints);
    } finally {
      table.subshells--;
      this.process.cwd = cwd;
    }
  }

  /** The status that an ended script leaves; the process's own end goes on. */
  async outcome(error: unknown, io: Io): Promise<number> {
    if (error instanceof Exit) return error.code;
    if (error instanceof ReturnValue) return error.status;
    if (error instanceof BreakLoop) return 0;
    if (error instanceof Killed) throw error;
    if (error instanceof Error && error.name === 'BrokenPipe') return 141;
    const text = error instanceof Error ? error.message : String(error);
    await io.stderr.write(Buffer.from(`${this.shellName}: ${text}\n`)).catch(() => undefined);
    return 2;
  }
}

/** Nobody may ever wait for it; its end by a signal is no surprise. */
function heeded(job: Promise<number>): Promise<number> {
  job.catch(() => undefined);
  return job;
}

const hasCommand = (assigns: readonly (readonly [string, Word])[]): boolean =>
  assigns.some(([, word]) => word.some((part) => part.t === 'command'));
