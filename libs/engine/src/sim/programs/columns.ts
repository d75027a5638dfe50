import type { Program } from '../shell/process.js';
import { unescaped } from './text.js';
import { eachInput, filter, options } from './usage.js';

const sort = filter((lines, argv) => {
  const { flags } = options(argv, 'k');
  const sorted = [...lines].sort(
    flags.has('n') ? (a, b) => Number.parseFloat(a) - Number.parseFloat(b) : undefined,
  );
  if (flags.has('r')) sorted.reverse();
  return flags.has('u') ? [...new Set(sorted)] : sorted;
}, 'k');

const uniq = filter((lines, argv) => {
  const { flags } = options(argv);
  const runs: [string, number][] = [];
  for (const line of lines) {
    const last = runs.at(-1);
    if (last?.[0] === line) last[1]++;
    else runs.push([line, 1]);
  }
  return runs.map(([line, times]) => (flags.has('c') ? `${String(times).padStart(7)} ${line}` : line));
});

const cut = filter((lines, argv) => {
  const { flags } = options(argv, 'dfc');
  const wanted = (flags.get('f') ?? flags.get('c') ?? '1').split(',').flatMap((range) => {
    const [from = '', to = from] = range.split('-');
    const first = Math.max(1, Number(from) || 1);
    const last = Math.min(1000, range.endsWith('-') ? 1000 : Number(to) || first);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i - 1);
  });
  const delimiter = flags.has('c') ? '' : flags.get('d') || '\t';
  return lines.map((line) => {
    const fields = line.split(delimiter);
    return wanted
      .filter((i) => i < fields.length)
      .map((i) => fields[i])
      .join(delimiter);
  });
}, 'dfc');

const spread = (set: string): string[] => [
  ...unescaped(
    set
      .replace('[:lower:]', 'a-z')
      .replace('[:upper:]', 'A-Z')
      .replace('[:digit:]', '0-9')
      .replace('[:space:]', ' \\t\\n'),
  ).replace(/(.)-(.)/g, (_all, a: string, b: string) =>
    String.fromCharCode(
      ...Array.from(
        { length: Math.max(0, b.charCodeAt(0) - a.charCodeAt(0) + 1) },
        (_, i) => a.charCodeAt(0) + i,
      ),
    ),
  ),
];

const tr: Program = async (process) => {
  const { flags, rest } = options(process.argv);
  const [from = [], to = []] = rest.map(spread);
  const text = (await process.wait(process.io.stdin.readAll())).toString();
  const changed = [...text].map((c) => {
    const i = from.indexOf(c);
    return i < 0 ? c : flags.has('d') ? '' : (to[Math.min(i, to.length - 1)] ?? c);
  });
  await process.out(changed.join(''));
  return 0;
};

/** Only `s/plain/text/[g]`. */
const sed: Program = async (process) => {
  const { flags, rest } = options(process.argv, 'e');
  const script = flags.get('e') || rest.shift() || '';
  const separator = script[1] ?? '/';
  const [, from = '', to = '', how = ''] = script.split(separator);
  if (!script.startsWith('s') || from === '') {
    await process.err('sed: only s/text/text/ is modelled by the Bellows simulator\n');
    return 1;
  }
  const change = (text: string) =>
    text
      .split('\n')
      .map((line) => (how.includes('g') ? line.replaceAll(from, () => to) : line.replace(from, () => to)))
      .join('\n');
  return eachInput(process, rest, async (input, shown) => {
    const text = change((await process.wait(input.readAll())).toString());
    if (flags.has('i') && shown !== '-') process.machine.tree.write(process.path(shown), Buffer.from(text));
    else await process.out(text);
  });
};

export const columnPrograms: readonly (readonly [string, Program])[] = [
  ['sort', sort],
  ['uniq', uniq],
  ['cut', cut],
  ['tr', tr],
  ['sed', sed],
];
