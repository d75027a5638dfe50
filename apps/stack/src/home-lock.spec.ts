import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HomeInUseError, lockHome } from './home-lock.js';

describe('lockHome', () => {
  it('lets one in at a time, by whatever name the home is called, and says who is in', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bellows-lock-'));
    const other = `${folder}-link`;
    symlinkSync(folder, other);
    const lock = await lockHome(folder);
    lock.describe('process 7 (http://127.0.0.1:3000)');
    const refused = lockHome(other);
    await expect(refused).rejects.toBeInstanceOf(HomeInUseError);
    await expect(refused).rejects.toThrow('in use by process 7 (http://127.0.0.1:3000)');
    await lock.release();
    await (await lockHome(other)).release();
    rmSync(other);
    rmSync(folder, { recursive: true });
  });
});
