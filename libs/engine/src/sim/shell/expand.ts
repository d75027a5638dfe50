import type { FileTree } from '../files/file-tree.js';
import { arithmetic } from './arith.js';
import type { Node, Part, Word } from './ast.js';
import { globMatches, globPaths } from './glob.js';

/** What expansion needs of the shell that asks for it. */
export interface Scope {
  readonly tree: FileTree;
  readonly cwd: string;
  readonly positional: readonly string[];
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  /** Standard output of a script, run in a subshell. */
  capture(body: Node): Promise<string>;
}

export class ExpansionError extends Error {
  override readonly name = 'ExpansionError';
}

const mostChars = 256 * 1024;

/** A piece of a word: where it may be split and globbed, and where it may not. */
interface Piece {
  text: string;
  readonly quoted: boolean;
}

/** Fields of the words: parameters, commands and arithmetic put in, split at blanks, file names matched. */
export async function expandWords(scope: Scope, words: readonly Word[]): Promise<string[]> {
  const fields: string[] = [];
  let chars = 0;
  for (const word of words) {
    for (const field of await expandFields(scope, word)) {
      chars += field.length;
      if (chars > mostChars) throw new ExpansionError('Argument list too long');
      fields.push(field);
    }
  }
  return fields;
}

/** One string without splitting: an assignment, a redirection's target, a here-document. */
export async function expandText(scope: Scope, word: Word): Promise<string> {
  const fields = await pieces(scope, word);
  return tilde(scope, fields.map((field) => field.map(({ text }) => text).join('')).join(' '), word);
}

/** As a pattern: what was quoted matches itself. */
export async function expandPattern(scope: Scope, word: Word): Promise<string> {
  return (await pieces(scope, word)).flat().map(patternOf).join('');
}

const patternOf = ({ text, quoted }: Piece): string => (quoted ? text.replace(/[*?[\]\\]/g, '\\$&') : text);

function tilde(scope: Scope, text: string, word: Word): string {
  const first = word[0];
  if (first?.t !== 'text' || first.quoted || !/^~(\/|$)/.test(text)) return text;
  return (scope.get('HOME') ?? '/root') + text.slice(1);
}

async function expandFields(scope: Scope, word: Word): Promise<string[]> {
  const result: string[] = [];
  for (const field of await pieces(scope, word)) {
    for (const split of splitField(field)) {
      const text = split.map((piece) => piece.text).join('');
      const globs = split.some((piece) => !piece.quoted && /[*?[]/.test(piece.text));
      const paths = globs ? globPaths(scope.tree, split.map(patternOf).join(''), scope.cwd) : [];
      if (paths.length > 0) result.push(...paths);
      else result.push(tilde(scope, text, word));
    }
  }
  return result;
}

/** Splits at blanks that came out of an unquoted expansion; literal text has none. */
function splitField(field: readonly Piece[]): Piece[][] {
  const fields: Piece[][] = [];
  let current: Piece[] | null = null;
  for (const piece of field) {
    if (piece.quoted) {
      (current ??= []).push(piece);
      continue;
    }
    const parts = piece.text.split(/[ \t\n]+/);
    parts.forEach((text, i) => {
      if (i > 0) {
        if (current) fields.push(current);
        current = null;
      }
      if (text !== '') (current ??= []).push({ text, quoted: false });
    });
  }
  if (current) fields.push(current);
  return fields;
}

/** Usually one field; `"$@"` makes several. */
async function pieces(scope: Scope, word: Word): Promise<Piece[][]> {
  const fields: Piece[][] = [[]];
  for (const part of word) {
    if (part.t === 'param' && part.name === '@' && part.quoted && part.op === null) {
      scope.positional.forEach((text, i) => {
        if (i > 0) fields.push([]);
        fields.at(-1)!.push({ text, quoted: true });
      });
    } else if (part.t === 'param' && part.op !== null && part.op !== 'length' && !part.quoted) {
      fields.at(-1)!.push(...(await alternative(scope, part)));
    } else fields.at(-1)!.push({ text: await partText(scope, part), quoted: part.quoted });
  }
  const total = fields.flat().reduce((sum, { text }) => sum + text.length, 0);
  if (total > mostChars) throw new ExpansionError('Argument list too long');
  return word.length > 0 && fields.length === 1 && fields[0]!.length === 0 ? [] : fields;
}

async function partText(scope: Scope, part: Part): Promise<string> {
  switch (part.t) {
    case 'text':
      return part.text;
    case 'command':
      return (await scope.capture(part.body)).replace(/\n+$/, '');
    case 'arith':
      return String(arithmetic(await expandText(scope, part.word), (name) => scope.get(name) ?? '0'));
    case 'param':
      if (part.op === 'length') return String((scope.get(part.name) ?? '').length);
      if (part.op === null) return scope.get(part.name) ?? '';
      return (await alternative(scope, part)).map(({ text }) => text).join('');
  }
}

/** `${x:-word}` and its kin. */
async function alternative(scope: Scope, part: Part & { t: 'param' }): Promise<Piece[]> {
  const value = scope.get(part.name);
  const op = part.op!;
  if (/^[#%]/.test(op))
    return [{ text: stripped(value ?? '', op, await expandPattern(scope, part.word)), quoted: part.quoted }];
  const missing = value === undefined || (op.startsWith(':') && value === '');
  const kept: Piece[] = [{ text: value ?? '', quoted: part.quoted }];
  switch (op.at(-1)) {
    case '+':
      return missing ? [] : (await pieces(scope, part.word)).flat();
    case '=':
      if (missing) scope.set(part.name, await expandText(scope, part.word));
      return [{ text: scope.get(part.name) ?? '', quoted: part.quoted }];
    case '?':
      if (!missing) return kept;
      throw new ExpansionError(
        `${part.name}: ${(await expandText(scope, part.word)) || 'parameter not set'}`,
      );
    default:
      return missing ? (await pieces(scope, part.word)).flat() : kept;
  }
}

function stripped(value: string, op: string, pattern: string): string {
  const lengths = [...Array(Math.min(value.length, 4096) + 1).keys()];
  if (op.length === 2) lengths.reverse();
  for (const n of lengths) {
    const part = op.startsWith('#') ? value.slice(0, n) : value.slice(value.length - n);
    if (globMatches(pattern, part))
      return op.startsWith('#') ? value.slice(n) : value.slice(0, value.length - n);
  }
  return value;
}
