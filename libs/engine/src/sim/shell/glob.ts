import type { FileTree } from '../files/file-tree.js';
import { join } from '../files/node.js';

/** Matches `*`, `?` and `[…]` without backtracking on more than one star: linear in practice, safe on any input. */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    const width = p < pattern.length && pattern[p] !== '*' ? matchOne(pattern, p, text[t]!) : 0;
    if (width > 0) {
      p += width;
      t++;
    } else if (pattern[p] === '*') {
      star = p++;
      mark = t;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** Pattern characters that matched this one character; 0 for none. */
function matchOne(pattern: string, at: number, c: string): number {
  const here = pattern[at]!;
  if (here === '?') return 1;
  if (here === '\\' && at + 1 < pattern.length) return pattern[at + 1] === c ? 2 : 0;
  if (here !== '[') return here === c ? 1 : 0;
  const end = pattern.indexOf(']', at + 2);
  if (end < 0) return c === '[' ? 1 : 0;
  const negated = '!^'.includes(pattern[at + 1]!);
  const set = pattern.slice(at + (negated ? 2 : 1), end);
  let inside = false;
  for (let i = 0; i < set.length; i++) {
    if (set[i + 1] === '-' && i + 2 < set.length) {
      if (c >= set[i]! && c <= set[i + 2]!) inside = true;
      i += 2;
    } else if (set[i] === c) inside = true;
  }
  return inside !== negated ? end - at + 1 : 0;
}

/** Paths that match, sorted; none when nothing does. */
export function globPaths(tree: FileTree, pattern: string, cwd: string): string[] {
  const absolute = pattern.startsWith('/');
  let found: [string, string][] = [[absolute ? '/' : cwd, absolute ? '/' : '']];
  for (const part of pattern.split('/').filter((piece) => piece !== '')) {
    const next: [string, string][] = [];
    for (const [dir, shown] of found) {
      const show = (name: string) => (shown === '' || shown === '/' ? shown + name : `${shown}/${name}`);
      if (!/[*?[]/.test(part)) {
        if (tree.lstat(join(dir, part))) next.push([join(dir, part), show(part)]);
      } else if (tree.isDir(dir)) {
        for (const name of tree.list(dir)) {
          if (name.startsWith('.') && !part.startsWith('.')) continue;
          if (globMatches(part, name)) next.push([join(dir, name), show(name)]);
        }
      }
    }
    found = next.slice(0, 10_000);
  }
  return found.map(([, shown]) => shown);
}
