import { describe, expect, it } from '@jest/globals';
import { elasticMibIn } from './qemu-memory.js';

const answer = (...sizes: unknown[]): string =>
  JSON.stringify({ return: sizes.map((size) => ({ type: 'virtio-mem', data: { id: 'virtiomem0', size } })) });

describe('the memory that QEMU has plugged', () => {
  it('is that of all virtio-mem devices, and of no other', () => {
    expect(elasticMibIn(answer(2 ** 30, 2 ** 21))).toBe(1026);
    expect(elasticMibIn(answer())).toBe(0);
    expect(elasticMibIn('{"return":[{"type":"dimm","data":{"size":1073741824}}]}')).toBe(0);
  });

  it('is never guessed', () => {
    for (const said of ['{}', '{"error":{}}', answer('1'), answer(-1), answer(undefined), 'x']) {
      expect(() => elasticMibIn(said)).toThrow();
    }
  });
});
