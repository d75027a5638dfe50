import { badRequest } from '../docker-error.js';

export interface Instruction {
  readonly keyword: string;
  /** `--name=value` flags before the arguments. */
  readonly flags: ReadonlyMap<string, string>;
  /** Everything after the keyword and the flags. */
  readonly rest: string;
  /** The arguments as a JSON list, when they are one. */
  readonly json: readonly string[] | null;
  /** As written, blanks evened out. */
  readonly original: string;
  readonly line: number;
}

const keywords = new Set([
  'FROM',
  'ARG',
  'ENV',
  'COPY',
  'ADD',
  'RUN',
  'WORKDIR',
  'CMD',
  'ENTRYPOINT',
  'EXPOSE',
  'LABEL',
  'USER',
  'VOLUME',
  'SHELL',
  'STOPSIGNAL',
  'HEALTHCHECK',
  'ONBUILD',
  'MAINTAINER',
]);
const mostInstructions = 500;
const mostChars = 64 * 1024;

/** Instructions of a Dockerfile, in order. @throws DockerError 400 */
export function parseDockerfile(text: string): Instruction[] {
  if (text.length > mostChars) throw badRequest('the Dockerfile is too large for the simulator');
  const escape = /^#\s*escape\s*=\s*(\S)/im.exec(text.split('\n')[0] ?? '')?.[1] ?? '\\';
  const instructions = logicalLines(text.replace(/^\uFEFF/, '').split(/\r?\n/), escape).map(([line, at]) =>
    instruction(line, at),
  );
  if (instructions.length === 0) throw badRequest('the Dockerfile (Dockerfile) cannot be empty');
  if (instructions.length > mostInstructions)
    throw badRequest('the Dockerfile has too many instructions for the simulator');
  const first = instructions.find(({ keyword }) => keyword !== 'ARG');
  if (first?.keyword !== 'FROM') throw badRequest('no build stage in current context');
  return instructions;
}

/** Lines with their continuations joined; comments and empty lines within are dropped. */
function logicalLines(lines: readonly string[], escape: string): [string, number][] {
  const found: [string, number][] = [];
  let pending: string | null = null;
  let from = 0;
  lines.forEach((raw, i) => {
    if (/^\s*(#|$)/.test(raw)) return;
    if (pending === null) from = i + 1;
    const continues = raw.trimEnd().endsWith(escape);
    const part = continues ? raw.trimEnd().slice(0, -1) : raw;
    pending = (pending ?? '') + (pending === null ? part.trimStart() : part);
    if (continues) return;
    found.push([pending.trim(), from]);
    pending = null;
  });
  if (pending !== null) found.push([(pending as string).trim(), from]);
  return found;
}

export function instruction(text: string, line: number): Instruction {
  const [, word = '', tail = ''] = /^(\S+)\s*([^]*)$/.exec(text) ?? [];
  const keyword = word.toUpperCase();
  if (!keywords.has(keyword))
    throw badRequest(`dockerfile parse error line ${line}: unknown instruction: ${word}`);
  const flags = new Map<string, string>();
  let rest = tail;
  for (
    let found = /^--([a-z]+)(?:=(\S*))?\s+/.exec(rest);
    found;
    found = /^--([a-z]+)(?:=(\S*))?\s+/.exec(rest)
  ) {
    flags.set(found[1]!, found[2] ?? '');
    rest = rest.slice(found[0].length);
  }
  refuseFlags(keyword, flags);
  if (rest === '' && keyword !== 'ONBUILD')
    throw badRequest(`dockerfile parse error line ${line}: ${keyword} requires at least one argument`);
  return { keyword, flags, rest, json: jsonList(rest), original: `${keyword} ${tail}`, line };
}

const classicFlags: Readonly<Record<string, readonly string[]>> = {
  FROM: ['platform'],
  COPY: ['from', 'chown'],
  ADD: ['chown'],
  HEALTHCHECK: ['interval', 'timeout', 'retries'],
};

function refuseFlags(keyword: string, flags: ReadonlyMap<string, string>): void {
  for (const flag of flags.keys()) {
    if (classicFlags[keyword]?.includes(flag)) continue;
    if (keyword === 'HEALTHCHECK' && flag.startsWith('start')) continue;
    throw badRequest(
      `the --${flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
    );
  }
}

function jsonList(text: string): string[] | null {
  if (!text.startsWith('[')) return null;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
  } catch {
    return null;
  }
}

/** Words with quotes and backslashes minded, as ENV, LABEL and COPY take them. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\' && quote !== "'" && i + 1 < text.length) word = (word ?? '') + text[++i]!;
    else if (quote !== '' && c === quote) quote = '';
    else if (quote === '' && (c === '"' || c === "'")) {
      quote = c;
      word ??= '';
    } else if (quote === '' && /\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + c;
  }
  if (word !== null) words.push(word);
  return words;
}

/** `KEY=value …`, or the older `KEY the rest`. */
export function pairsOf(rest: string): [string, string][] {
  if (!/^[^\s=]+=/.test(rest)) {
    const [, key = '', value = ''] = /^(\S+)\s*([^]*)$/.exec(rest) ?? [];
    return [[key, value]];
  }
  return wordsOf(rest).map((word) => {
    const at = word.indexOf('=');
    return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
  });
}

/** `$x`, `${x}`, `${x:-y}`, `${x:+y}`; `\$` stays. */
export function substituted(text: string, values: ReadonlyMap<string, string>): string {
  const result = text.replace(
    /\\\$|\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/g,
    (all, plain?: string, braced?: string, op?: string, other = '') => {
      if (all === '\\$') return '$';
      const value = values.get(plain ?? braced ?? '');
      if (op === '-') return value || other;
      if (op === '+') return value ? other : '';
      return value ?? '';
    },
  );
  // Values that hold themselves twice grow with each line.
  if (result.length > mostChars) throw badRequest('a value in the Dockerfile is too long for the simulator');
  return result;
}
