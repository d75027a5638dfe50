export interface FileMeta {
  /** Permission bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since the epoch. */
  readonly mtime: number;
}

export type FileNode =
  | (FileMeta & { readonly kind: 'file'; readonly data: Buffer })
  | (FileMeta & { readonly kind: 'dir' })
  | (FileMeta & { readonly kind: 'link'; readonly target: string });

export type FsCode =
  'ENOENT' | 'ENOTDIR' | 'EISDIR' | 'EEXIST' | 'ENOTEMPTY' | 'ELOOP' | 'ENOSPC' | 'EROFS' | 'EINVAL';

/** As libc words them. */
const wording: Record<FsCode, string> = {
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EEXIST: 'File exists',
  ENOTEMPTY: 'Directory not empty',
  ELOOP: 'Too many levels of symbolic links',
  ENOSPC: 'No space left on device',
  EROFS: 'Read-only file system',
  EINVAL: 'Invalid argument',
};

export class FsError extends Error {
  override readonly name = 'FsError';
  constructor(
    readonly code: FsCode,
    readonly path: string,
  ) {
    super(wording[code]);
  }
}

/** Absolute, without `.`, `..`, doubled or trailing slashes. */
export function normalPath(path: string, cwd = '/'): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
export const join = (dir: string, name: string): string => (dir === '/' ? `/${name}` : `${dir}/${name}`);
