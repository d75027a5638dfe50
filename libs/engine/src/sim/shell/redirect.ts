import type { Redirect } from './ast.js';
import { expandText, type Scope } from './expand.js';
import { Bytes, nowhere, type Io, type Output } from './pipes.js';
import type { FileTree } from '../files/file-tree.js';
import { openInput } from './devices.js';
import type { Process } from './process.js';

/** The standard streams after the redirections, in their order. @throws FsError */
export async function redirectedIo(
  shell: Scope & { readonly process: Process },
  redirects: readonly Redirect[],
  io: Io,
): Promise<Io> {
  let changed: Io = { ...io };
  for (const { fd, op, word } of redirects) {
    const text = await expandText(shell, word);
    if (op === '<<') changed = { ...changed, stdin: new Bytes(text), tty: null };
    else if (op === '<')
      changed = { ...changed, stdin: openInput(shell.process, shell.process.path(text)), tty: null };
    else if (op === '>&') changed = duplicated(changed, fd, text);
    else {
      const out = fileOutput(shell.tree, shell.process.path(text), op === '>>', io);
      if (fd !== 2) changed = { ...changed, stdout: out, tty: null };
      if (fd === 2 || fd === -1) changed = { ...changed, stderr: out };
    }
  }
  return changed;
}

function duplicated(io: Io, fd: number, target: string): Io {
  const from = target === '1' ? io.stdout : target === '2' ? io.stderr : nowhere;
  return fd === 2 ? { ...io, stderr: from } : { ...io, stdout: from };
}

export function fileOutput(tree: FileTree, path: string, append: boolean, io: Io): Output {
  if (path === '/dev/null' || path === '/dev/full') return nowhere;
  if (path === '/dev/stdout' || path === '/proc/1/fd/1' || path === '/dev/tty') return io.stdout;
  if (path === '/dev/stderr' || path === '/proc/1/fd/2') return io.stderr;
  if (append) tree.append(path, Buffer.alloc(0));
  else tree.write(path, Buffer.alloc(0));
  return {
    write: (data) => {
      try {
        tree.append(path, data);
        return Promise.resolve();
      } catch (error) {
        return Promise.reject(error as Error);
      }
    },
  };
}
