import { FsError } from '../files/node.js';
import { Bytes, Input } from './pipes.js';
import type { Process } from './process.js';

/** `/dev/zero` and its kin: as many bytes as are asked for, no faster than a step at a time. */
export class Endless extends Input {
  constructor(
    private readonly process: Process,
    private readonly fill: number,
  ) {
    super();
  }

  protected async pull(): Promise<Buffer | null> {
    await this.process.step();
    return Buffer.alloc(64 * 1024, this.fill);
  }
}

/** Opens for reading. @throws FsError */
export function openInput(process: Process, path: string): Input {
  switch (path) {
    case '/dev/null':
      return new Bytes('');
    case '/dev/zero':
    case '/dev/full':
      return new Endless(process, 0);
    case '/dev/random':
    case '/dev/urandom':
      return new Endless(process, 0x5a);
    case '/dev/stdin':
    case '/dev/tty':
    case '-':
      return process.io.stdin;
    default: {
      const node = process.machine.tree.stat(path);
      if (!node) throw new FsError('ENOENT', path);
      if (node.kind === 'dir') throw new FsError('EISDIR', path);
      return new Bytes(process.machine.tree.read(path));
    }
  }
}
