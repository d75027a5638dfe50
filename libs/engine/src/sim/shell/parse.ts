import { SyntaxFailure, type Node, type Redirect, type Word } from './ast.js';
import { WordReader } from './words.js';

const mostNesting = 100;
const closers = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}', ')']);

/** POSIX shell's grammar, the part of it that is taught. @throws SyntaxFailure */
export function parseScript(text: string, depth = 0): Node {
  const parser = new Parser(text, depth);
  const script = parser.list();
  parser.end();
  return script;
}

class Parser {
  private readonly words: WordReader;
  private nesting = 0;
  private readonly heredocs: { delimiter: string; literal: boolean; fill: (word: Word) => void }[] = [];

  constructor(
    private readonly text: string,
    depth: number,
  ) {
    this.words = new WordReader(text, parseScript, depth);
  }

  end(): void {
    this.blanks(true);
    if (this.words.at < this.text.length) throw this.unexpected();
  }

  list(): Node {
    const items: Node[] = [];
    for (;;) {
      this.blanks(true);
      if (this.words.at >= this.text.length || this.atCloser()) break;
      const item = this.andOr();
      this.blanks(false);
      if (this.take('&')) items.push({ t: 'background', body: item });
      else {
        items.push(item);
        const more = this.words.peek() === '\n' || (this.words.peek() === ';' && this.words.peek(1) !== ';');
        if (!more) break;
        if (this.words.peek() === ';') this.words.at++;
      }
    }
    return items.length === 1 ? items[0]! : { t: 'seq', items };
  }

  private andOr(): Node {
    let left = this.pipeline();
    for (;;) {
      this.blanks(false);
      const t = this.take('&&') ? 'and' : this.take('||') ? 'or' : null;
      if (!t) return left;
      this.blanks(true);
      left = { t, left, right: this.pipeline() };
    }
  }

  private pipeline(): Node {
    this.blanks(false);
    const negate = this.takeWord('!');
    const parts = [this.command()];
    for (;;) {
      this.blanks(false);
      if (this.words.peek() !== '|' || this.words.peek(1) === '|') break;
      this.words.at++;
      this.blanks(true);
      parts.push(this.command());
    }
    return parts.length === 1 && !negate ? parts[0]! : { t: 'pipe', parts, negate };
  }

  private command(): Node {
    if (++this.nesting > mostNesting) throw new SyntaxFailure('syntax error: nested too deeply', false);
    this.blanks(false);
    const compound = this.compound();
    const node = compound ? this.redirected(compound) : this.simple();
    this.nesting--;
    return node;
  }

  private compound(): Node | null {
    if (this.take('(')) {
      const body = this.list();
      this.expect(')');
      return { t: 'subshell', body };
    }
    if (this.takeWord('{')) return this.until('}');
    if (this.takeWord('if')) return this.ifClause();
    if (this.takeWord('while')) return this.loop(false);
    if (this.takeWord('until')) return this.loop(true);
    if (this.takeWord('for')) return this.forClause();
    if (this.takeWord('case')) return this.caseClause();
    const named = /^([A-Za-z_]\w*)[ \t]*\(\)[ \t\n]*/.exec(
      this.text.slice(this.words.at, this.words.at + 300),
    );
    if (!named) return null;
    this.words.at += named[0].length;
    return { t: 'function', name: named[1]!, body: this.command() };
  }

  private ifClause(): Node {
    const clauses: [Node, Node][] = [];
    let otherwise: Node | null = null;
    do clauses.push([this.until('then'), this.list()]);
    while (this.takeWord('elif'));
    if (this.takeWord('else')) otherwise = this.list();
    this.expect('fi');
    return { t: 'if', clauses, otherwise };
  }

  private loop(until: boolean): Node {
    const cond = this.until('do');
    return { t: 'while', until, cond, body: this.until('done') };
  }

  private forClause(): Node {
    this.blanks(false);
    const name = this.plainWord();
    this.blanks(true);
    let words: Word[] | null = null;
    if (this.takeWord('in')) {
      words = [];
      for (this.blanks(false); ; this.blanks(false)) {
        const word = this.words.word();
        if (!word) break;
        words.push(word);
      }
    }
    this.blanks(true);
    this.take(';');
    this.blanks(true);
    this.expect('do');
    return { t: 'for', name, words, body: this.until('done') };
  }

  private caseClause(): Node {
    this.blanks(false);
    const word = this.words.word() ?? [];
    this.blanks(true);
    this.expect('in');
    const arms: [Word[], Node][] = [];
    for (this.blanks(true); !this.takeWord('esac'); this.blanks(true)) {
      this.take('(');
      const patterns: Word[] = [];
      do {
        this.blanks(false);
        const pattern = this.words.word();
        if (!pattern) throw this.unexpected();
        patterns.push(pattern);
        this.blanks(false);
      } while (this.take('|'));
      this.expect(')');
      arms.push([patterns, this.list()]);
      this.blanks(true);
      this.take(';;');
    }
    return { t: 'case', word, arms };
  }

  private simple(): Node {
    const assigns: [string, Word][] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      this.blanks(false);
      const redirect = this.redirect();
      if (redirect) {
        redirects.push(redirect);
        continue;
      }
      const named = /^([A-Za-z_]\w*)=/.exec(this.text.slice(this.words.at, this.words.at + 256));
      if (named && words.length === 0) {
        this.words.at += named[0].length;
        assigns.push([named[1]!, this.words.word() ?? []]);
        continue;
      }
      const word = this.words.word();
      if (!word) break;
      words.push(word);
    }
    if (words.length + assigns.length + redirects.length === 0) throw this.unexpected();
    return { t: 'simple', assigns, words, redirects };
  }

  private redirected(body: Node): Node {
    const redirects: Redirect[] = [];
    for (;;) {
      this.blanks(false);
      const redirect = this.redirect();
      if (!redirect) break;
      redirects.push(redirect);
    }
    return redirects.length === 0 || body.t === 'function' ? body : { t: 'redirected', body, redirects };
  }

  private redirect(): Redirect | null {
    const found = /^([0-9]?)(<<-?|>>|>&|<|>)|^&>/.exec(this.text.slice(this.words.at, this.words.at + 4));
    if (!found) return null;
    this.words.at += found[0].length;
    this.blanks(false);
    const word = this.words.word();
    if (!word) throw this.unexpected();
    if (found[0] === '&>') return { fd: -1, op: '>', word };
    const op = found[2]!;
    const fd = found[1] ? Number(found[1]) : op.startsWith('<') ? 0 : 1;
    if (!op.startsWith('<<')) return { fd, op: op as Redirect['op'], word };
    const here = { fd, op: '<<' as const, word };
    const delimiter = word.map((part) => (part.t === 'text' ? part.text : '')).join('');
    const literal = word.some((part) => part.t === 'text' && part.quoted);
    this.heredocs.push({ delimiter, literal, fill: (body) => (here.word = body) });
    return here;
  }

  /** Blanks and comments; newlines too when they may stand here. A newline brings here-documents. */
  private blanks(newlines: boolean): void {
    for (;;) {
      const c = this.words.peek();
      if (c === ' ' || c === '\t' || c === '\r') this.words.at++;
      else if (c === '\\' && this.words.peek(1) === '\n') this.words.at += 2;
      else if (c === '#') {
        const end = this.text.indexOf('\n', this.words.at);
        this.words.at = end < 0 ? this.text.length : end;
      } else if (c === '\n' && (newlines || this.heredocs.length > 0)) {
        const filled = this.heredocs.length > 0;
        this.words.at++;
        this.takeHeredocs();
        if (!newlines && filled) {
          // The newline still ends the command.
          if (this.text[this.words.at - 1] === '\n') this.words.at--;
          return;
        }
      } else return;
    }
  }

  private takeHeredocs(): void {
    for (const { delimiter, literal, fill } of this.heredocs.splice(0)) {
      const from = this.words.at;
      const end = new RegExp(`^\\t*${delimiter.replace(/[^\w]/g, '\\$&')}$`, 'm').exec(this.text.slice(from));
      if (!end) throw new SyntaxFailure('syntax error: unterminated here-document', true);
      const body = this.text.slice(from, from + end.index);
      fill(literal ? [{ t: 'text', text: body, quoted: true }] : new WordReader(body, parseScript).rest());
      this.words.at = Math.min(this.text.length, from + end.index + end[0].length + 1);
    }
  }

  private until(word: string): Node {
    const body = this.list();
    this.expect(word);
    return body;
  }

  private expect(text: string): void {
    this.blanks(true);
    if (!(text === ')' ? this.take(text) : this.takeWord(text))) throw this.unexpected(text);
  }

  private take(text: string): boolean {
    if (!this.text.startsWith(text, this.words.at)) return false;
    if (text === '&' && this.text[this.words.at + 1] === '&') return false;
    this.words.at += text.length;
    return true;
  }

  private takeWord(word: string): boolean {
    if (this.peekWord() !== word) return false;
    this.words.at += word.length;
    return true;
  }

  private peekWord(): string {
    return /^[^\s;&|<>()'"\\$`]+/.exec(this.text.slice(this.words.at, this.words.at + 256))?.[0] ?? '';
  }

  private plainWord(): string {
    const word = this.peekWord();
    if (!/^[A-Za-z_]\w*$/.test(word)) throw this.unexpected();
    this.words.at += word.length;
    return word;
  }

  private atCloser(): boolean {
    return (
      this.words.peek() === ')' || this.text.startsWith(';;', this.words.at) || closers.has(this.peekWord())
    );
  }

  private unexpected(expected?: string): SyntaxFailure {
    const found = this.peekWord() || this.words.peek();
    const hint = expected ? ` (expecting "${expected}")` : '';
    if (found === '' || found === '\n')
      return new SyntaxFailure(`syntax error: unexpected end of file${hint}`, true);
    return new SyntaxFailure(`syntax error: unexpected "${found}"${hint}`, false);
  }
}
