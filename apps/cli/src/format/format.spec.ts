import { describe, expect, it } from '@jest/globals';
import { paintFor, plainPaint, toned } from './styles.js';
import { PassThrough } from 'node:stream';
import { facts, table, type Column } from './table.js';
import { cut, plain, width } from './text.js';
import * as units from './units.js';

interface Row {
  readonly name: string;
  readonly count: number;
}
const columns: Column<Row>[] = [
  { header: 'NAME', cell: ({ name }) => toned(name, 'strong') },
  { header: 'COUNT', cell: ({ count }) => String(count), align: 'right' },
  { header: 'TWICE', cell: ({ count }) => String(2 * count), align: 'right', wide: true },
  { header: 'END', cell: () => 'x' },
];

describe('a table', () => {
  const rows = [
    { name: 'a', count: 5 },
    { name: '東京', count: 1234 },
  ];
  const look = { now: 0 };

  it('is aligned by what a terminal shows, not by code points', () => {
    expect(table(columns, rows, look)).toBe('NAME  COUNT  END\na         5  x\n東京   1234  x\n');
  });
  it('has its wide columns when asked', () => {
    expect(table(columns, rows.slice(0, 1), { ...look, wide: true })).toBe(
      'NAME  COUNT  TWICE  END\na         5     10  x\n',
    );
  });
  it('lets no text reach the terminal as an escape sequence', () => {
    const text = table(columns, [{ name: '\u001b]0;pwned\u0007\u009b31m\u202e', count: 1 }], look);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
  it('leaves facts without a value out', () => {
    expect(
      facts([
        ['id', 'i-1'],
        ['host', ''],
        ['plan', 'p', 'q'],
      ]),
    ).toBe('id    i-1\nplan  p  q\n');
  });
});

describe('colour', () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  const cell = toned('x', 'good');
  it('is for terminals whose user has not said no', () => {
    expect(paintFor(terminal, {})(cell)).toBe('\u001b[32mx\u001b[39m');
    expect(paintFor(terminal, { NO_COLOR: '' })(cell)).toBe('\u001b[32mx\u001b[39m');
    for (const paint of [paintFor(terminal, { NO_COLOR: '1' }), paintFor(new PassThrough(), {}), plainPaint])
      expect(paint(cell)).toBe('x');
  });
});

describe('text', () => {
  it('is measured and cut by columns', () => {
    expect(width('e\u0301東')).toBe(3);
    expect([cut('abcdef', 6), cut('abcdef', 4), cut('東京都', 4)]).toEqual(['abcdef', 'abc…', '東…']);
    expect(plain('ok ✓ ü')).toBe('ok ✓ ü');
  });
});

describe('units', () => {
  it('are those a person would choose', () => {
    expect([512, 1024, 1536, 2_097_152].map(units.memory)).toEqual(['512 MiB', '1 GiB', '1.5 GiB', '2 TiB']);
    expect(units.shareOf(512, 65_536, 'memory')).toBe('512 MiB / 64 GiB');
    expect(units.shareOf(2048, 65_536, 'memory')).toBe('2 / 64 GiB');
    expect(units.shareOf(0, 2048, 'disk')).toBe('0 / 2 TiB');
    expect([50, 9900, 61_000, 3_600_000, 90_000_000].map(units.duration)).toEqual([
      '0.1 s',
      '9.9 s',
      '1 min 1 s',
      '1 h',
      '1 d 1 h',
    ]);
  });
  it('are read back, and what is no size is refused', () => {
    expect(['2g', '2GiB', '512m', '512', '1.5g'].map(units.parseMemory)).toEqual([
      2048, 2048, 512, 512, 1536,
    ]);
    expect(['20', '20g', '1t'].map(units.parseDisk)).toEqual([20, 20, 1024]);
    expect(units.parseBound('2c4g')).toEqual({ vcpus: 2, ramMib: 4096 });
    expect(['90', '10m', '1h'].map(units.parseDuration)).toEqual([90_000, 600_000, 3_600_000]);
    for (const text of ['', '-1', '0', '1.0001g', 'g', '2x'])
      expect(() => units.parseMemory(text)).toThrow('Give a size');
    expect(() => units.parseDisk('512m')).toThrow('whole number of GiB');
  });
});
