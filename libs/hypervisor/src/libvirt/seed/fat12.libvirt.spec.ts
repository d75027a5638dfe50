import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fat12CapacityBytes, fat12Image } from './fat12.js';

// Needs mtools and dosfstools; machines that run real guests have them.
describe('a FAT12 image, by the tools of others', () => {
  it('satisfies fsck.vfat, and mtools reads it', () => {
    const content = new Map([
      ['meta-data', Buffer.from('instance-id: "i-1"\n')],
      ['user-data', Buffer.alloc(70_001, 'x')],
      ['network-config', Buffer.alloc(512, 'n')],
      ['empty', Buffer.alloc(0)],
      ['thirteen-long', Buffer.alloc(fat12CapacityBytes - 80_000, '13')],
    ]);
    const dir = mkdtempSync(join(tmpdir(), 'fat-'));
    try {
      const path = join(dir, 'seed.img');
      writeFileSync(path, fat12Image('cidata', content));
      const fsck = spawnSync('fsck.vfat', ['-n', path], { encoding: 'utf8' });
      // The label counts as a file.
      expect([fsck.status, fsck.stdout]).toEqual([0, expect.stringMatching(/6 files/)]);
      expect(spawnSync('mcopy', ['-i', path, '::*', dir]).status).toBe(0);
      for (const [name, bytes] of content) expect(readFileSync(join(dir, name)).equals(bytes)).toBe(true);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
