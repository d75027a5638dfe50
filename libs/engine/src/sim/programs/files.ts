import { FsError, join, nameOf, normalPath, parentOf, type FileNode } from '../files/node.js';
import type { Process, Program } from '../shell/process.js';
import { globMatches } from '../shell/glob.js';
import { eachPath, options } from './usage.js';

const day = (ms: number): string => {
  const [, month, date, , time] = /^\w+, (\d+) (\w+) (\d+) (\d+:\d+)/.exec(new Date(ms).toUTCString())!;
  return `${date} ${month!.replace(/^0/, '').padStart(2)} ${time}`;
};

function modeText({ kind, mode }: FileNode): string {
  const bits = [...'rwxrwxrwx'].map((letter, i) => (mode & (0o400 >> i) ? letter : '-')).join('');
  return (kind === 'dir' ? 'd' : kind === 'link' ? 'l' : '-') + bits;
}

const lengthOf = (node: FileNode): number =>
  node.kind === 'file' ? node.data.length : node.kind === 'link' ? node.target.length : 4096;

function longLine(node: FileNode, name: string): string {
  const owner = (id: number) => (id === 0 ? 'root' : String(id)).padEnd(8);
  const shown = node.kind === 'link' ? `${name} -> ${node.target}` : name;
  return `${modeText(node)}    1 ${owner(node.uid)} ${owner(node.gid)} ${String(lengthOf(node)).padStart(9)} ${day(node.mtime)} ${shown}\n`;
}

const ls: Program = async (process) => {
  const { flags, rest } = options(process.argv);
  const { tree } = process.machine;
  const paths = rest.length > 0 ? rest : ['.'];
  return eachPath(process, paths, async (path, shown) => {
    const node = flags.has('d') ? tree.lstat(path) : tree.stat(path);
    if (!node) throw new FsError('ENOENT', shown);
    const print = async (name: string, of: FileNode) => {
      await process.out(flags.has('l') ? longLine(of, name) : `${name}\n`);
    };
    if (node.kind !== 'dir' || flags.has('d')) return print(shown, tree.lstat(path) ?? node);
    if (paths.length > 1) await process.out(`${shown}:\n`);
    if (flags.has('l')) await process.out(`total ${tree.list(path).length * 4}\n`);
    const names = tree.list(path).filter((name) => flags.has('a') || flags.has('A') || !name.startsWith('.'));
    if (flags.has('a')) for (const dots of ['.', '..']) await print(dots, node);
    for (const name of names) await print(name, tree.lstat(join(path, name)) ?? node);
  });
};

const mkdir: Program = (process) => {
  const { flags, rest } = options(process.argv, 'm');
  const parents = flags.has('p') || flags.has('parents');
  return eachPath(process, rest, (path) => process.machine.tree.mkdir(path, { parents }));
};

const rm: Program = (process) => {
  const { flags, rest } = options(process.argv);
  const { tree } = process.machine;
  return eachPath(process, rest, (path) => {
    const node = tree.lstat(path);
    if (!node && flags.has('f')) return;
    const recursive = ['r', 'R', 'recursive'].some((flag) => flags.has(flag));
    if (node?.kind === 'dir' && !recursive) throw new FsError('EISDIR', path);
    tree.remove(path);
  });
};

const rmdir: Program = (process) =>
  eachPath(process, options(process.argv).rest, (path) => {
    if (process.machine.tree.list(path).length > 0) throw new FsError('ENOTEMPTY', path);
    process.machine.tree.remove(path);
  });

const touch: Program = (process) => {
  const { tree, clock } = process.machine;
  return eachPath(process, options(process.argv, 'dt').rest, (path) => {
    if (tree.stat(path)) tree.touch(path, { mtime: clock.now() });
    else tree.write(path, Buffer.alloc(0));
  });
};

/** Copies a node and what is below it. */
async function copyAll(process: Process, from: string, to: string): Promise<void> {
  const { tree } = process.machine;
  const source = tree.resolve(from, true);
  if (to === source || to.startsWith(`${source}/`)) throw new FsError('EINVAL', to);
  for (const [path, node] of [...tree.walk(source, { mounts: true })]) {
    await process.step();
    tree.place(normalPath(to + path.slice(source === '/' ? 0 : source.length)), node);
  }
}

const cp: Program = (process) => {
  const { flags, rest } = options(process.argv);
  const { tree } = process.machine;
  const to = process.path(rest.pop() ?? '');
  const recursive = ['r', 'R', 'a'].some((flag) => flags.has(flag));
  return eachPath(process, rest, async (path) => {
    const node = tree.stat(path);
    if (!node) throw new FsError('ENOENT', path);
    if (node.kind === 'dir' && !recursive) throw new FsError('EISDIR', path);
    await copyAll(process, path, tree.isDir(to) ? join(to, nameOf(path)) : to);
  });
};

const mv: Program = (process) => {
  const { rest } = options(process.argv);
  const { tree } = process.machine;
  const to = process.path(rest.pop() ?? '');
  return eachPath(process, rest, async (path) => {
    if (!tree.lstat(path)) throw new FsError('ENOENT', path);
    await copyAll(process, path, tree.isDir(to) ? join(to, nameOf(path)) : to);
    tree.remove(path);
  });
};

const ln: Program = async (process) => {
  const { flags, rest } = options(process.argv);
  const { tree } = process.machine;
  const [target = '', name = nameOf(target)] = rest;
  return eachPath(process, [name], (path) => {
    const at = tree.isDir(path) ? join(path, nameOf(target)) : path;
    if (flags.has('f') && tree.lstat(at)) tree.remove(at);
    if (flags.has('s')) tree.symlink(target, at);
    else tree.write(at, tree.read(process.path(target)));
  });
};

const chmod: Program = (process) => {
  const [mode = '', ...paths] = process.argv.slice(1).filter((word) => !/^-[RfvcR]+$/.test(word));
  const { tree } = process.machine;
  return eachPath(process, paths, (path) => {
    const before = tree.stat(path)?.mode ?? 0o644;
    const [, sign, what = ''] = /([-+=])([rwx]+)/.exec(mode) ?? [];
    const bits = [...what].reduce(
      (sum, letter) => sum | { r: 0o444, w: 0o200, x: 0o111 }[letter as 'r' | 'w' | 'x'],
      0,
    );
    const after = /^[0-7]+$/.test(mode)
      ? Number.parseInt(mode, 8)
      : sign === '-'
        ? before & ~bits
        : before | bits;
    tree.touch(path, { mode: after });
  });
};

const chown: Program = (process) => {
  const [owner = '', ...paths] = options(process.argv).rest;
  const [uid = 0, gid = 0] = owner.split(':').map((id) => Number.parseInt(id, 10) || 0);
  return eachPath(process, paths, (path) => process.machine.tree.touch(path, { uid, gid }));
};

const find: Program = async (process) => {
  const args = process.argv.slice(1);
  const roots: string[] = [];
  while (args.length > 0 && !args[0]!.startsWith('-')) roots.push(args.shift()!);
  const after = (flag: string) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
  const name = after('-name');
  const type = after('-type');
  return eachPath(process, roots.length > 0 ? roots : ['.'], async (path, shown) => {
    const base = process.machine.tree.resolve(path, false);
    for (const [at, node] of process.machine.tree.walk(path, { mounts: true })) {
      await process.step();
      if (name !== undefined && !globMatches(name, nameOf(at))) continue;
      if (type && type !== { file: 'f', dir: 'd', link: 'l' }[node.kind]) continue;
      await process.out(
        `${at === base ? shown : join(shown, at.slice(base === '/' ? 1 : base.length + 1))}\n`,
      );
    }
  });
};

const du: Program = async (process) => {
  const { rest } = options(process.argv);
  return eachPath(process, rest.length > 0 ? rest : ['.'], async (path, shown) => {
    let bytes = 0;
    for (const [, node] of process.machine.tree.walk(path)) bytes += lengthOf(node);
    await process.out(`${Math.ceil(bytes / 1024)}\t${shown}\n`);
  });
};

const stat: Program = (process) =>
  eachPath(process, options(process.argv, 'c').rest, async (path, shown) => {
    const node = process.machine.tree.lstat(path);
    if (!node) throw new FsError('ENOENT', path);
    const mode = `0${node.mode.toString(8)}/${modeText(node)}`;
    await process.out(
      `  File: ${shown}\n  Size: ${lengthOf(node)}\nAccess: (${mode})  Uid: ${node.uid}  Gid: ${node.gid}\n`,
    );
  });

const readlink: Program = async (process) => {
  const { flags, rest } = options(process.argv);
  return eachPath(process, rest, async (path) => {
    const node = process.machine.tree.lstat(path);
    if (flags.has('f')) return process.out(`${process.machine.tree.resolve(path, true)}\n`);
    if (node?.kind === 'link') await process.out(`${node.target}\n`);
  });
};

const basename: Program = async (process) => {
  const [path = '', suffix = ''] = process.argv.slice(1);
  const name = nameOf(normalPath(path));
  await process.out(`${name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : name}\n`);
  return 0;
};

const dirname: Program = async (process) => {
  const path = process.argv[1] ?? '';
  await process.out(`${path.includes('/') ? parentOf(path.replace(/\/$/, '')) : '.'}\n`);
  return 0;
};

export const filePrograms: readonly (readonly [string, Program])[] = [
  ['ls', ls],
  ['mkdir', mkdir],
  ['rm', rm],
  ['rmdir', rmdir],
  ['touch', touch],
  ['cp', cp],
  ['mv', mv],
  ['ln', ln],
  ['chmod', chmod],
  ['chown', chown],
  ['find', find],
  ['du', du],
  ['stat', stat],
  ['readlink', readlink],
  ['realpath', readlink],
  ['basename', basename],
  ['dirname', dirname],
];
