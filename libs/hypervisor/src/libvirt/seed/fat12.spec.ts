import { describe, expect, it } from '@jest/globals';
import { fat12Bytes, fat12CapacityBytes, fat12Image } from './fat12.js';

/** A reader of its own; that Linux mounts the image, and fsck and mtools agree, is seen where guests boot from it. */
function readBack(image: Buffer): Map<string, Buffer> {
  const fat = image.subarray(512);
  const nextOf = (cluster: number): number => {
    const pair = fat.readUInt16LE(Math.floor(cluster * 1.5));
    return cluster % 2 ? pair >> 4 : pair & 0xfff;
  };
  const files = new Map<string, Buffer>();
  let long = '';
  for (let at = 19 * 512; image[at] !== 0; at += 32) {
    const slot = image.subarray(at, at + 32);
    if (slot[11] === 0x0f) {
      const text = Buffer.concat([
        slot.subarray(1, 11),
        slot.subarray(14, 26),
        slot.subarray(28, 32),
      ]).toString('utf16le');
      long = text.replace(/\0.*$/s, '') + long;
      continue;
    }
    if (slot[11] === 0x20) {
      const parts: Buffer[] = [];
      const first = slot.readUInt16LE(26);
      for (let c = first; c >= 2 && c < 0xff0; c = nextOf(c))
        parts.push(image.subarray((33 + c - 2) * 512, (34 + c - 2) * 512));
      files.set(long, Buffer.concat(parts).subarray(0, slot.readUInt32LE(28)));
    }
    long = '';
  }
  return files;
}

const content = new Map([
  ['meta-data', Buffer.from('instance-id: "i-1"\n')],
  ['user-data', Buffer.alloc(70_001, 'x')],
  ['network-config', Buffer.alloc(512, 'n')],
  ['empty', Buffer.alloc(0)],
  ['thirteen-long', Buffer.from('13')],
]);

describe('a FAT12 image', () => {
  it('gives back the files that were put in', () => {
    const image = fat12Image('cidata', content);
    expect(image.length).toBe(fat12Bytes);
    expect(image.subarray(43, 54).toString()).toBe('cidata     ');
    expect(readBack(image)).toEqual(content);
  });

  it('is the same for the same files, so that a seed can be written again', () => {
    expect(fat12Image('cidata', content).equals(fat12Image('cidata', content))).toBe(true);
  });

  it('takes exactly as much as it can hold', () => {
    const full = new Map([['user-data', Buffer.alloc(fat12CapacityBytes, 'z')]]);
    expect(readBack(fat12Image('cidata', full)).get('user-data')!.equals(full.get('user-data')!)).toBe(true);
    expect(() => fat12Image('cidata', new Map([['a', Buffer.alloc(fat12CapacityBytes + 1)]]))).toThrow(
      RangeError,
    );
  });

  it('refuses names it cannot store', () => {
    for (const name of ['', '../x', 'UPPER', 'a'.repeat(27), 'ä']) {
      expect(() => fat12Image('cidata', new Map([[name, Buffer.alloc(1)]]))).toThrow(RangeError);
    }
  });
});
