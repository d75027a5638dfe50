import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildLog, loudPart } from './child-log.js';

describe('ChildLog', () => {
  let folder: string;
  let path: string;
  let lines: string[];
  const open = () => new ChildLog(path, (line) => lines.push(line));
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bellows-log-'));
    path = join(folder, 'x.log');
    lines = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('reads whole lines, also when they come in pieces inside a character', () => {
    const log = open();
    const bytes = Buffer.from('one\ntwø\n');
    writeSync(log.fd, bytes.subarray(0, 7));
    log.look();
    expect(lines).toEqual(['one']);
    writeSync(log.fd, bytes.subarray(7));
    log.look();
    expect(lines).toEqual(['one', 'twø']);
    log.end();
  });

  it('does not read again what an earlier start wrote', () => {
    const first = open();
    writeSync(first.fd, 'old\n');
    first.end();
    lines = [];
    const second = open();
    writeSync(second.fd, 'new\n');
    second.end();
    expect(lines).toEqual(['new']);
    expect(readFileSync(path, 'utf8')).toBe('old\nnew\n');
  });

  it('keeps the file below its size, and the last one beside it', () => {
    const log = open();
    const line = `${'x'.repeat(1023)}\n`;
    for (let count = 0; count < 21; count++) {
      writeSync(log.fd, line.repeat(1024));
      log.look();
    }
    writeSync(log.fd, 'after\n');
    log.end();
    expect(lines).toHaveLength(21 * 1024 + 1);
    expect(statSync(path).size).toBeLessThan(1024 * 1024);
    expect(statSync(`${path}.1`).size).toBeGreaterThan(20 * 1024 * 1024);
  });
});

describe('loudPart', () => {
  it('passes warnings and errors on, with their operation and cause', () => {
    const line = JSON.stringify({
      level: 50,
      msg: 'a step failed',
      operationId: 'op-1',
      err: { message: 'no' },
    });
    expect(loudPart(line)).toBe('a step failed · op-1 · no');
  });
  it('keeps what is only information to the file', () => {
    expect(loudPart(JSON.stringify({ level: 30, msg: 'operation ended' }))).toBeNull();
    expect(loudPart('')).toBeNull();
    expect(loudPart('(node:71) ExperimentalWarning: something')).toBeNull();
  });
  it('passes on what is no JSON: a crash', () => {
    expect(loudPart('Error: boom')).toBe('Error: boom');
  });
});
