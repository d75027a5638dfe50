import { SyntaxFailure, type Node, type Part, type Word } from './ast.js';

const mostDepth = 40;
const ends = new Set([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')']);

/** Reads words of shell text; what stands in `$( )` is parsed by the function it is given. */
export class WordReader {
  at = 0;

  constructor(
    readonly text: string,
    private readonly parse: (text: string, depth: number) => Node,
    readonly depth = 0,
  ) {
    if (depth > mostDepth) throw new SyntaxFailure('syntax error: nested too deeply', false);
  }

  peek(ahead = 0): string {
    return this.text[this.at + ahead] ?? '';
  }

  /** A word up to where an operator or a blank ends it; null when none begins here. */
  word(): Word | null {
    const parts: Part[] = [];
    const from = this.at;
    while (this.at < this.text.length && !ends.has(this.peek())) this.part(parts, false);
    return this.at === from ? null : parts;
  }

  /** All the rest as one word in double quotes, as in a here-document. */
  rest(): Word {
    const parts: Part[] = [];
    while (this.at < this.text.length) this.quotedPart(parts);
    return parts;
  }

  private part(parts: Part[], inBraces: boolean): void {
    const c = this.peek();
    if (c === "'") {
      const end = this.text.indexOf("'", this.at + 1);
      if (end < 0) throw new SyntaxFailure('syntax error: unterminated quoted string', true);
      parts.push({ t: 'text', text: this.text.slice(this.at + 1, end), quoted: true });
      this.at = end + 1;
    } else if (c === '"') {
      this.at++;
      parts.push({ t: 'text', text: '', quoted: true });
      while (this.peek() !== '"') {
        if (this.at >= this.text.length)
          throw new SyntaxFailure('syntax error: unterminated quoted string', true);
        this.quotedPart(parts);
      }
      this.at++;
    } else if (c === '\\') {
      if (this.peek(1) !== '\n') parts.push({ t: 'text', text: this.peek(1), quoted: true });
      this.at += 2;
    } else if (c === '$' || c === '`') this.dollar(parts, false);
    else {
      const from = this.at;
      const stop = (x: string) => x === '' || `'"\\$\``.includes(x) || (inBraces ? x === '}' : ends.has(x));
      while (!stop(this.peek())) this.at++;
      if (this.at === from) this.at++;
      parts.push({ t: 'text', text: this.text.slice(from, this.at), quoted: false });
    }
  }

  private quotedPart(parts: Part[]): void {
    const c = this.peek();
    if (c === '\\') {
      const next = this.peek(1);
      if (next !== '\n')
        parts.push({ t: 'text', text: '"$`\\'.includes(next) ? next : c + next, quoted: true });
      this.at += 2;
    } else if (c === '$' || c === '`') this.dollar(parts, true);
    else {
      const from = this.at;
      while (this.at < this.text.length && !'"\\$`'.includes(this.peek())) this.at++;
      // A quote in a here-document is a character like others.
      if (this.at === from) this.at++;
      parts.push({ t: 'text', text: this.text.slice(from, this.at), quoted: true });
    }
  }

  private dollar(parts: Part[], quoted: boolean): void {
    if (this.peek() === '`') {
      const end = this.text.indexOf('`', this.at + 1);
      if (end < 0) throw new SyntaxFailure('syntax error: unterminated `', true);
      parts.push({
        t: 'command',
        body: this.parse(this.text.slice(this.at + 1, end), this.depth + 1),
        quoted,
      });
      this.at = end + 1;
      return;
    }
    this.at++;
    if (this.text.startsWith('((', this.at)) {
      const inner = this.enclosed('((', '))');
      parts.push({ t: 'arith', word: new WordReader(inner, this.parse, this.depth + 1).rest(), quoted });
    } else if (this.peek() === '(') {
      parts.push({ t: 'command', body: this.parse(this.enclosed('(', ')'), this.depth + 1), quoted });
    } else if (this.peek() === '{') parts.push(this.braces(quoted));
    else {
      const name = /^([A-Za-z_]\w*|[0-9@*#?$!-])/.exec(this.text.slice(this.at, this.at + 256))?.[0];
      if (name === undefined) parts.push({ t: 'text', text: '$', quoted });
      else {
        parts.push({ t: 'param', name, op: null, word: [], quoted });
        this.at += name.length;
      }
    }
  }

  private braces(quoted: boolean): Part {
    const inner = this.enclosed('{', '}');
    const length = /^#([A-Za-z_]\w*|[0-9@*])$/.exec(inner);
    if (length) return { t: 'param', name: length[1]!, op: 'length', word: [], quoted };
    const parts = /^([A-Za-z_]\w*|[0-9]+|[@*#?$!-])(?:(:?[-=+?]|##?|%%?)([^]*))?$/.exec(inner);
    if (!parts) throw new SyntaxFailure('syntax error: bad substitution', false);
    const [, name = '', op = null, rest = ''] = parts;
    const reader = new WordReader(rest, this.parse, this.depth + 1);
    const word: Part[] = [];
    while (reader.at < rest.length) reader.part(word, true);
    return { t: 'param', name, op, word, quoted };
  }

  /** What stands between the brackets the text continues with, quotes and nested brackets minded. */
  private enclosed(open: string, close: string): string {
    const from = this.at + open.length;
    let depth = 0;
    for (let i = from; i < this.text.length; i++) {
      const c = this.text[i]!;
      if (c === '\\') i++;
      else if (c === "'" || c === '"') {
        const end = closingQuote(this.text, i);
        if (end < 0) break;
        i = end;
      } else if (depth === 0 && this.text.startsWith(close, i)) {
        this.at = i + close.length;
        return this.text.slice(from, i);
      } else if (c === open[0]) depth++;
      else if (c === close[0]) depth--;
    }
    throw new SyntaxFailure(`syntax error: unexpected end of file (expecting "${close}")`, true);
  }
}

function closingQuote(text: string, from: number): number {
  const quote = text[from]!;
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '\\' && quote === '"') i++;
    else if (text[i] === quote) return i;
  }
  return -1;
}
