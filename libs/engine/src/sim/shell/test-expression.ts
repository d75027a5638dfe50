import type { FileNode } from '../files/node.js';
import type { Process } from './process.js';

/** `test`'s exit code: 0 true, 1 false, 2 not an expression. */
export function evaluateTest(process: Process, args: readonly string[]): number {
  const words = [...args];
  let at = 0;
  const or = (): boolean => {
    let value = and();
    while (words[at] === '-o' || words[at] === '||') {
      at++;
      value = and() || value;
    }
    return value;
  };
  const and = (): boolean => {
    let value = not();
    while (words[at] === '-a' || words[at] === '&&') {
      at++;
      value = not() && value;
    }
    return value;
  };
  const not = (): boolean => {
    if (words[at] === '!' && words.length > at + 1) {
      at++;
      return !not();
    }
    return primary();
  };
  const primary = (): boolean => {
    const [a = '', op = '', b = ''] = words.slice(at, at + 3);
    const compare = words.length - at >= 3 ? comparisons[op] : undefined;
    if (compare) {
      at += 3;
      return compare(a, b);
    }
    const unary = words.length - at >= 2 ? unaries[a] : undefined;
    if (unary) {
      at += 2;
      return unary(op, process);
    }
    at++;
    return a !== '';
  };
  if (words.length === 0) return 1;
  const value = or();
  return at < words.length ? 2 : value ? 0 : 1;
}

const comparisons: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '-eq': (a, b) => Number(a) === Number(b),
  '-ne': (a, b) => Number(a) !== Number(b),
  '-lt': (a, b) => Number(a) < Number(b),
  '-le': (a, b) => Number(a) <= Number(b),
  '-gt': (a, b) => Number(a) > Number(b),
  '-ge': (a, b) => Number(a) >= Number(b),
};

function nodeOf(process: Process, path: string): FileNode | undefined {
  try {
    return process.machine.tree.stat(process.path(path));
  } catch {
    return undefined;
  }
}

const unaries: Readonly<Record<string, (word: string, process: Process) => boolean>> = {
  '-n': (word) => word !== '',
  '-z': (word) => word === '',
  '-e': (word, process) => nodeOf(process, word) !== undefined,
  '-f': (word, process) => nodeOf(process, word)?.kind === 'file',
  '-d': (word, process) => nodeOf(process, word)?.kind === 'dir',
  '-r': (word, process) => nodeOf(process, word) !== undefined,
  '-w': (word, process) => nodeOf(process, word) !== undefined,
  '-x': (word, process) => ((nodeOf(process, word)?.mode ?? 0) & 0o111) !== 0,
  '-L': (word, process) => process.machine.tree.lstat(process.path(word))?.kind === 'link',
  '-h': (word, process) => process.machine.tree.lstat(process.path(word))?.kind === 'link',
  '-t': (_word, process) => process.io.tty !== null,
  '-s': (word, process) => {
    const node = nodeOf(process, word);
    return node?.kind === 'file' && node.data.length > 0;
  },
};
