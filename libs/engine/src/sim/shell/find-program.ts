import type { FileTree } from '../files/file-tree.js';
import { join, nameOf, normalPath } from '../files/node.js';

/** A modelled binary is a file that begins like an ELF one and names its model. */
const mark = Buffer.from('\x7fELF\x02\x01\x01 bellows-model ', 'latin1');

export const modelBinary = (program: string): Buffer => Buffer.concat([mark, Buffer.from(`${program}\n`)]);

/** Names of the modelled programs; who has models adds them. */
export const modelledNames = new Set<string>();

const otherNames: readonly (readonly [RegExp, string])[] = [
  [/^(ash|bash|dash)$/, 'sh'],
  [/^python3\.9$/, 'python3.9'],
  [/^python(3(\.\d+)?)?$/, 'python3.11'],
  [/^pip3?(\.\d+)?$/, 'pip'],
  [/^nodejs$/, 'node'],
];

/** The model of a program of a real image: by the name it is called, or the name it has in the end. */
function modelOf(tree: FileTree, path: string): string | null {
  for (const name of [nameOf(tree.resolve(path, true)), nameOf(path)]) {
    const model = otherNames.find(([shape]) => shape.test(name))?.[1] ?? name;
    if (modelledNames.has(model)) return model;
  }
  return null;
}

const isElf = (data: Buffer): boolean => data.toString('latin1', 0, 4) === '\x7fELF';

export type Found =
  | { readonly kind: 'program'; readonly path: string; readonly program: string }
  | {
      readonly kind: 'script';
      readonly path: string;
      readonly program: string;
      /** Its `#!` line, words. */
      readonly interpreter: readonly string[];
    }
  | { readonly kind: 'missing' | 'denied' | 'not-modelled' };

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What a kernel and a shell would run by that name. */
export function findProgram(tree: FileTree, name: string, path = defaultPath, cwd = '/'): Found {
  const tries = name.includes('/')
    ? [normalPath(name, cwd)]
    : path.split(':').map((dir) => join(dir || cwd, name));
  for (const candidate of name === '' ? [] : tries) {
    const found = at(tree, candidate);
    if (found.kind !== 'missing') return found;
  }
  return { kind: 'missing' };
}

function at(tree: FileTree, path: string): Found {
  let node;
  try {
    node = tree.stat(path);
  } catch {
    return { kind: 'missing' };
  }
  if (node?.kind !== 'file') return { kind: node ? 'denied' : 'missing' };
  if ((node.mode & 0o111) === 0) return { kind: 'denied' };
  if (node.data.subarray(0, mark.length).equals(mark))
    return { kind: 'program', path, program: node.data.toString('latin1', mark.length).trim() };
  const model = modelOf(tree, path);
  if (model !== null && (isElf(node.data) || model === 'pip'))
    return { kind: 'program', path, program: model };
  if (node.data[0] !== 0x23 || node.data[1] !== 0x21)
    return node.data.subarray(0, 256).includes(0)
      ? { kind: 'not-modelled' }
      : { kind: 'script', path, program: 'sh', interpreter: ['/bin/sh'] };
  const line = node.data.toString('utf8', 2, Math.max(2, node.data.indexOf(0x0a))).trim();
  const words = line.split(/\s+/);
  const named = nameOf(words[0] ?? '') === 'env' ? words.slice(1) : words;
  const found = findProgram(tree, named[0] ?? '');
  if (found.kind !== 'program') return { kind: 'missing' };
  return { kind: 'script', path, program: found.program, interpreter: named };
}
