import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFile, open, readdir, readFile, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryHome } from './fleet.fixture.js';
import { Journal } from './journal.js';

interface Entry {
  readonly key: string;
  readonly value: number;
}

class Table {
  readonly entries = new Map<string, number>();
  keyOf = (entry: Entry) => entry.key;
  restore = (entry: Entry) => void this.entries.set(entry.key, entry.value);
  everything = () => [...this.entries].map(([key, value]) => ({ key, value }));
}

let home: Awaited<ReturnType<typeof temporaryHome>>;
beforeEach(async () => {
  home = await temporaryHome();
});
afterEach(async () => {
  for (const journal of toClose.splice(0)) await journal.close();
  await home.remove();
});

/** Closed after each test: closing twice does no harm. */
const toClose: Journal<Entry>[] = [];

async function opened(compactAfterBytes?: number) {
  const table = new Table();
  const failures: Error[] = [];
  const options = {
    folder: home.path,
    sync: true,
    compactAfterBytes,
    onFailure: (e: Error) => void failures.push(e),
  };
  const journal = new Journal<Entry>(table, options);
  toClose.push(journal);
  await journal.recover();
  const set = (key: string, value: number) => {
    table.restore({ key, value });
    journal.append({ key, value });
  };
  return { table, journal, set, failures };
}

const file = () => join(home.path, 'journal-0.log');

describe('the journal', () => {
  it('gives back what was flushed, the last value of each key', async () => {
    const { journal, set } = await opened();
    set('a', 1);
    set('b', 2);
    await journal.flushed();
    set('a', 3);
    await journal.flushed();
    await journal.close();
    expect([...(await opened()).table.entries]).toEqual([
      ['a', 3],
      ['b', 2],
    ]);
  });

  it('commits all that arrives together as one record', async () => {
    const { journal, set } = await opened();
    for (let i = 0; i < 100; i++) set(`k${i}`, i);
    await Promise.all(Array.from({ length: 100 }, () => journal.flushed()));
    expect((await readFile(file(), 'utf8')).trim().split('\n')).toHaveLength(1);
    await journal.close();
  });

  it('has nothing to wait for when nothing is pending', async () => {
    const { journal, set } = await opened();
    expect(journal.flushed()).toBeUndefined();
    set('a', 1);
    await journal.flushed();
    await new Promise((resolve) => setImmediate(resolve));
    expect(journal.flushed()).toBeUndefined();
    await journal.close();
  });

  it('cuts off a torn last record, wherever it is torn, and goes on', async () => {
    const { journal, set } = await opened();
    set('a', 1);
    await journal.flushed();
    const whole = (await stat(file())).size;
    set('a', 2);
    await journal.flushed();
    await journal.close();
    const bytes = await readFile(file());
    for (let length = whole; length < bytes.length; length++) {
      await writeFile(file(), bytes.subarray(0, length));
      const again = await opened();
      expect(again.table.entries.get('a')).toBe(1);
      again.set('a', 7);
      await again.journal.flushed();
      await again.journal.close();
      const last = await opened();
      expect(last.table.entries.get('a')).toBe(7);
      await last.journal.close();
    }
  });

  it('cuts off a last record whose length is right and whose bytes are not', async () => {
    const { journal, set } = await opened();
    set('a', 1);
    await journal.flushed();
    await journal.close();
    await appendFile(file(), '00000000 [{"key":"a","value":9}]\n');
    expect((await opened()).table.entries.get('a')).toBe(1);
  });

  it('refuses damage that whole records follow: that was acknowledged', async () => {
    const { journal, set } = await opened();
    for (const value of [1, 2, 3]) {
      set('a', value);
      await journal.flushed();
    }
    await journal.close();
    const handle = await open(file(), 'r+');
    await handle.write('X', 12);
    await handle.close();
    await expect(opened()).rejects.toThrow('is damaged at byte 0');
  });

  it('makes a snapshot when it has grown, forgets what came before, and loses nothing', async () => {
    const { journal, set, table } = await opened(2_000);
    for (let i = 0; i < 400; i++) {
      set(`k${i % 20}`, i);
      await journal.flushed();
    }
    await journal.close();
    const names = await readdir(home.path);
    expect(names).toHaveLength(2);
    expect(names).not.toContain('journal-0.log');
    const again = await opened();
    expect(new Map(again.table.entries)).toEqual(table.entries);
    await again.journal.close();
  });

  it('recovers when it ended between a new journal and its snapshot', async () => {
    const { journal, set } = await opened();
    set('a', 1);
    set('b', 1);
    await journal.flushed();
    await journal.close();
    await writeFile(join(home.path, 'journal-1.log'), await readFile(file()));
    await writeFile(join(home.path, 'snapshot-1.log.part'), 'half a snap');
    const again = await opened();
    again.set('b', 2);
    await again.journal.flushed();
    await again.journal.close();
    expect((await opened()).table.entries.get('b')).toBe(2);
  });

  it('acknowledges nothing after a write has failed', async () => {
    const { journal, set, failures } = await opened();
    // The file is closed under it: every write fails, as on a disk that is gone.
    await (journal as unknown as { file: FileHandle }).file.close();
    set('a', 1);
    let acknowledged = false;
    void journal.flushed()?.then(() => (acknowledged = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(failures).toHaveLength(1);
    expect(acknowledged).toBe(false);
  });
});
