import type { Duplex } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that buffers of this process hold, without those that nobody holds on to any more. */
export function heldBytes(): number {
  // What the first frees is given back in the background; the second waits for that.
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Everything that is sent to be checked is this, over and over. */
const period = Buffer.from(Array.from({ length: 251 }, (_, i) => i));
const wave = Buffer.concat(Array.from({ length: 300 }, () => period));

/** The bytes from `at` on of a long transfer. */
export const pattern = (at: number, bytes: number): Buffer =>
  wave.subarray(at % 251, (at % 251) + Math.min(bytes, 65_536));

/** Checks that what comes is the pattern, from its first byte on. */
export class PatternCheck {
  bytes = 0;
  intact = true;

  add(chunk: Buffer): void {
    for (let from = 0; from < chunk.length;) {
      const expected = pattern(this.bytes, chunk.length - from);
      this.intact &&= expected.equals(chunk.subarray(from, from + expected.length));
      from += expected.length;
      this.bytes += expected.length;
    }
  }
}

/**
 * What stands behind the target in a guest, while the contract is tested. A stream's first line says what it does:
 *
 *     echo        sends back what comes, and ends when that ends
 *     count       reads to the end, then says `BYTES intact|damaged`
 *     give N      sends N bytes of the pattern and ends; goes on reading
 *     listen KEY  ends its own side at once; says of itself `BYTES ended` when ours ends
 *     hold KEY    does nothing until it is closed or ended; says of itself `open`, then `closed`
 *     ask KEY     what that one says of itself, or `none`
 */
export class GuestProbe {
  private readonly board = new Map<string, string>();

  serve(stream: Duplex): void {
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\n');
      if (end < 0) return;
      stream.off('data', onData).pause();
      if (end + 1 < head.length) stream.unshift(head.subarray(end + 1));
      this.obey(stream, head.toString('latin1', 0, end).split(' '));
    };
    stream.on('error', () => undefined).on('data', onData);
  }

  private obey(stream: Duplex, [what, argument = '']: string[]): void {
    switch (what) {
      case 'echo':
        stream.pipe(stream);
        return;
      case 'count':
        return this.count(stream, (bytes, intact) =>
          stream.end(`${bytes} ${intact ? 'intact' : 'damaged'}\n`),
        );
      case 'give':
        stream.resume();
        return give(stream, Number(argument));
      case 'listen':
        stream.end();
        return this.count(stream, (bytes) => this.board.set(argument, `${bytes} ended`));
      case 'hold':
        this.board.set(argument, 'open');
        stream.resume().on('close', () => this.board.set(argument, 'closed'));
        // Behind a socket this is all that can be seen of an end.
        stream.on('end', () => stream.end());
        return;
      default:
        stream.resume().end(`${this.board.get(argument) ?? 'none'}\n`);
    }
  }

  private count(stream: Duplex, then: (bytes: number, intact: boolean) => void): void {
    const check = new PatternCheck();
    stream.on('data', (chunk: Buffer) => check.add(chunk)).on('end', () => then(check.bytes, check.intact));
    stream.resume();
  }
}

function give(stream: Duplex, bytes: number): void {
  let at = 0;
  const more = (): void => {
    while (at < bytes && !stream.destroyed) {
      const chunk = pattern(at, bytes - at);
      at += chunk.length;
      if (!stream.write(chunk)) return void stream.once('drain', more);
    }
    stream.end();
  };
  more();
}
