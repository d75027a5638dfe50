import type { Process, Program } from '../shell/process.js';
import { fileOutput } from '../shell/redirect.js';
import { globMatches } from '../shell/glob.js';
import { eachInput, options } from './usage.js';

export const unescaped = (text: string): string =>
  text.replace(/\\(0[0-7]{0,3}|x[0-9a-fA-F]{1,2}|[abefnrtv\\])/g, (_all, code: string) => {
    if (code.startsWith('0')) return String.fromCharCode(Number.parseInt(code.slice(1) || '0', 8));
    if (code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const named: Record<string, string> = {
      a: '\x07',
      b: '\b',
      e: '\x1b',
      f: '\f',
      n: '\n',
      r: '\r',
      t: '\t',
      v: '\v',
      '\\': '\\',
    };
    return named[code]!;
  });

const echo: Program = async (process) => {
  const args = process.argv.slice(1);
  let newline = true;
  let escapes = false;
  while (/^-[neE]+$/.test(args[0] ?? '')) {
    const flags = args.shift()!;
    if (flags.includes('n')) newline = false;
    if (flags.includes('e')) escapes = true;
  }
  const text = args.join(' ');
  await process.out((escapes ? unescaped(text) : text) + (newline ? '\n' : ''));
  return 0;
};

const printf: Program = async (process) => {
  const [format = '', ...args] = process.argv.slice(1);
  let out = '';
  do {
    out += unescaped(format).replace(
      /%(-?\d*(?:\.\d+)?)([sdifxobc%])/g,
      (_all, width: string, kind: string) => {
        if (kind === '%') return '%';
        const value = args.shift() ?? '';
        const n = Number.parseInt(value, 10) || 0;
        const decimals = Number(width.split('.')[1] ?? 6);
        const shown: Record<string, () => string> = {
          s: () => value,
          b: () => unescaped(value),
          c: () => value.slice(0, 1),
          d: () => String(n),
          i: () => String(n),
          x: () => n.toString(16),
          o: () => n.toString(8),
          f: () => (Number(value) || 0).toFixed(Math.min(decimals, 20)),
        };
        const wide = Math.min(Math.abs(Number.parseInt(width, 10) || 0), 1000);
        const text = shown[kind]!();
        if (width.startsWith('-')) return text.padEnd(wide);
        return text.padStart(wide, /^0/.test(width) && kind !== 's' ? '0' : ' ');
      },
    );
    if (out.length > 256 * 1024) break;
  } while (args.length > 0 && /%[-\d.]*[sdifxobc]/.test(format));
  await process.out(out);
  return 0;
};

const cat: Program = (process) =>
  eachInput(process, options(process.argv).rest, async (input) => {
    for (;;) {
      const data = await process.wait(input.read());
      if (data === null) return;
      await process.step();
      await process.out(data);
    }
  });

const count = (flags: Map<string, string>): number => {
  const numeric = [...flags.keys()].find((flag) => /^\d$/.test(flag));
  const digits = numeric ? [...flags.keys()].filter((flag) => /^\d$/.test(flag)).join('') : null;
  return Number(flags.get('n') ?? digits ?? 10);
};

const head: Program = async (process) => {
  const { flags, rest } = options(process.argv, 'nc');
  return eachInput(process, rest, async (input) => {
    if (flags.has('c')) {
      let left = Number(flags.get('c'));
      for (
        let data = await process.wait(input.read());
        data && left > 0;
        data = left > 0 ? await process.wait(input.read()) : null
      ) {
        await process.out(data.subarray(0, left));
        left -= data.length;
        await process.step();
      }
      return;
    }
    for (let left = count(flags); left > 0; left--) {
      const line = await process.wait(input.readLine());
      if (line === null) return;
      await process.out(line);
    }
  });
};

/** `tail /dev/zero` is the textbook memory hog: it looks for a last line that never ends. */
const tail: Program = async (process) => {
  const { flags, rest } = options(process.argv, 'nc');
  const status = await eachInput(process, rest, async (input, shown) => {
    if (shown === '/dev/zero') return void (await hog(process));
    const lines = (await process.wait(input.readAll())).toString().split(/(?<=\n)/);
    const from = flags.get('n')?.startsWith('+') ? Number(flags.get('n')) - 1 : -Math.abs(count(flags));
    await process.out(from === 0 ? '' : lines.slice(from).join(''));
  });
  if ((flags.has('f') || flags.has('F') || flags.has('follow')) && status === 0)
    await follow(process, rest[0]);
  return status;
};

async function hog(process: Process): Promise<void> {
  process.keepBusy(1);
  for (;;) {
    await process.sleep(20);
    process.useMemory(process.memory + 32 * 1024 * 1024);
  }
}

async function follow(process: Process, shown: string | undefined): Promise<void> {
  const path = process.path(shown ?? '/dev/null');
  const size = () => {
    const node = path.startsWith('/dev/') ? undefined : process.machine.tree.stat(path);
    return node?.kind === 'file' ? node.data : Buffer.alloc(0);
  };
  for (let seen = size().length; ;) {
    await process.sleep(250);
    const data = size();
    if (data.length > seen) await process.out(data.subarray(seen));
    seen = data.length;
  }
}

const wc: Program = async (process) => {
  const { flags, rest } = options(process.argv);
  return eachInput(process, rest, async (input, shown) => {
    let bytes = 0;
    let lines = 0;
    let words = 0;
    let inWord = false;
    for (let data = await process.wait(input.read()); data; data = await process.wait(input.read())) {
      await process.step();
      bytes += data.length;
      for (const byte of data) {
        const blank = byte === 32 || (byte >= 9 && byte <= 13);
        if (byte === 10) lines++;
        if (!blank && !inWord) words++;
        inWord = !blank;
      }
    }
    const all = !['l', 'w', 'c'].some((flag) => flags.has(flag));
    const figures = [
      all || flags.has('l') ? lines : null,
      all || flags.has('w') ? words : null,
      all || flags.has('c') ? bytes : null,
    ];
    const text = figures.filter((figure) => figure !== null).join(' ');
    await process.out(`${text}${shown === '-' ? '' : ` ${shown}`}\n`);
  });
};

/** Patterns are plain text with `.*`, `^`, `$`, `.` and classes; anything slower to match is not modelled. */
function matcher(pattern: string, flags: Map<string, string>): (line: string) => boolean {
  const fold = (text: string) => (flags.has('i') ? text.toLowerCase() : text);
  const fixed = flags.has('F') || !/[.*^$[\]|\\]/.test(pattern);
  const wanted = fold(pattern);
  if (fixed) return (line) => fold(line).includes(wanted);
  const alternatives = wanted.split(/\\?\|/).map((part) => {
    const start = part.startsWith('^');
    const end = part.endsWith('$') && !part.endsWith('\\$');
    const core = part.slice(start ? 1 : 0, end ? -1 : undefined);
    const glob = core.replace(/\\(.)|\.[*+]|\.|([*?])/g, (all, escaped?: string, star?: string) =>
      escaped ? `\\${escaped}` : all.length === 2 ? '*' : all === '.' ? '?' : star ? `\\${star}` : all,
    );
    return `${start ? '' : '*'}${glob}${end ? '' : '*'}`;
  });
  return (line) => alternatives.some((glob) => globMatches(glob, fold(line)));
}

const grep: Program = async (process) => {
  const { flags, rest } = options(process.argv, 'em');
  const pattern = flags.get('e') ?? rest.shift() ?? '';
  const matches = matcher(pattern, flags);
  let found = 0;
  await eachInput(process, rest, async (input, shown) => {
    let here = 0;
    for (
      let line = await process.wait(input.readLine());
      line !== null;
      line = await process.wait(input.readLine())
    ) {
      await process.step();
      if (matches(line.replace(/\n$/, '')) === flags.has('v')) continue;
      here++;
      if (!flags.has('q') && !flags.has('c'))
        await process.out(`${rest.length > 1 ? `${shown}:` : ''}${line.replace(/\n?$/, '\n')}`);
    }
    if (flags.has('c')) await process.out(`${here}\n`);
    found += here;
  });
  return found > 0 ? 0 : 1;
};

const tee: Program = async (process) => {
  const { flags, rest } = options(process.argv);
  const outs = rest.map((path) =>
    fileOutput(process.machine.tree, process.path(path), flags.has('a'), process.io),
  );
  for (
    let data = await process.wait(process.io.stdin.read());
    data;
    data = await process.wait(process.io.stdin.read())
  ) {
    await process.out(data);
    for (const out of outs) await out.write(data);
  }
  return 0;
};

const seq: Program = async (process) => {
  const numbers = process.argv.slice(1).map(Number);
  const [from, by, to] =
    numbers.length === 1
      ? [1, 1, numbers[0]!]
      : numbers.length === 2
        ? [numbers[0]!, 1, numbers[1]!]
        : (numbers as [number, number, number]);
  if (![from, by, to].every(Number.isFinite) || by === 0) return 1;
  for (let i = from; by > 0 ? i <= to : i >= to; i += by) {
    await process.step();
    await process.out(`${i}\n`);
  }
  return 0;
};

const yes: Program = async (process) => {
  const text = Buffer.from(`${process.argv.slice(1).join(' ') || 'y'}\n`.repeat(128));
  process.keepBusy(1);
  for (;;) {
    await process.step();
    await process.out(text);
  }
};

export const textPrograms: readonly (readonly [string, Program])[] = [
  ['echo', echo],
  ['printf', printf],
  ['cat', cat],
  ['head', head],
  ['tail', tail],
  ['wc', wc],
  ['grep', grep],
  ['egrep', grep],
  ['tee', tee],
  ['seq', seq],
  ['yes', yes],
];
