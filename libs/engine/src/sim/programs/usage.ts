import { FsError } from '../files/node.js';
import type { Process, Program } from '../shell/process.js';
import type { Input } from '../shell/pipes.js';
import { openInput } from '../shell/devices.js';

/** Letters after `-`, and the words that are none. Letters of `valued` take the next word (or the rest of theirs). */
export function options(
  argv: readonly string[],
  valued = '',
): { flags: Map<string, string>; rest: string[] } {
  const flags = new Map<string, string>();
  const rest: string[] = [];
  const words = argv.slice(1);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') {
      rest.push(...words);
      break;
    }
    if (word.startsWith('--')) {
      const [name = '', value = ''] = word.slice(2).split('=', 2);
      flags.set(name, value);
    } else if (word.length > 1 && word.startsWith('-')) letters(word.slice(1), valued, words, flags);
    else rest.push(word);
  }
  return { flags, rest };
}

function letters(text: string, valued: string, words: string[], flags: Map<string, string>): void {
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    if (!valued.includes(letter)) flags.set(letter, '');
    else {
      flags.set(letter, text.slice(i + 1) || (words.shift() ?? ''));
      return;
    }
  }
}

/** Complains as coreutils do about each path that fails, and goes on. @returns 1 if any did. */
export async function eachPath(
  process: Process,
  paths: readonly string[],
  run: (path: string, shown: string) => Promise<void> | void,
): Promise<number> {
  let status = 0;
  for (const shown of paths) {
    await process.step();
    try {
      await run(process.path(shown), shown);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      status = 1;
      await process.err(`${process.argv[0]!.split('/').pop()}: ${shown}: ${error.message}\n`);
    }
  }
  return status;
}

/** Standard input when no path is given. */
export async function eachInput(
  process: Process,
  paths: readonly string[],
  run: (input: Input, shown: string) => Promise<void>,
): Promise<number> {
  if (paths.length === 0) {
    await run(process.io.stdin, '-');
    return 0;
  }
  return eachPath(process, paths, (path, shown) =>
    run(shown === '-' ? process.io.stdin : openInput(process, path), shown),
  );
}

/** A program of text in, text out. */
export const filter =
  (change: (lines: string[], argv: readonly string[]) => string[], valued = ''): Program =>
  async (process) => {
    const { rest } = options(process.argv, valued);
    const lines: string[] = [];
    const status = await eachInput(process, rest, async (input) => {
      const text = (await process.wait(input.readAll())).toString();
      if (text !== '') lines.push(...text.replace(/\n$/, '').split('\n'));
    });
    await process.out(
      change(lines, process.argv)
        .map((line) => `${line}\n`)
        .join(''),
    );
    return status;
  };
