import { describe, expect, it } from '@jest/globals';
import { etagOf, versionOf } from './asked.js';
import { Refused } from './refused.js';

const code = (header: string): string => {
  try {
    versionOf(header);
  } catch (error) {
    if (error instanceof Refused) return error.refusal.refused;
    throw error;
  }
  return 'taken';
};

describe('If-Match', () => {
  it('reads the tags we give out, and any version', () => {
    expect(versionOf(etagOf(7))).toBe(7);
    expect(versionOf('*')).toBeNull();
    expect(versionOf(undefined)).toBeNull();
  });

  it.each(['"x"', 'W/"7"', '"99999999999999999999"'])('takes %s for the tag of another version', (header) => {
    expect(code(header)).toBe('precondition');
  });

  it.each(['7', '', '"1", "2"', '"'])('refuses %p as no tag at all', (header) => {
    expect(code(header)).toBe('invalid');
  });
});
