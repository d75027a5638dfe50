import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { idPrefix, idSource, looksLikeId, type IdKind } from './ids.js';

describe('an id', () => {
  it('has the prefix of its kind and looks like itself only', () => {
    const kinds = Object.keys(idPrefix) as IdKind[];
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.constantFrom(...kinds),
        (bytes, kind) => {
          const id = idSource(() => bytes)(kind);
          for (const other of kinds) expect(looksLikeId(other, id)).toBe(other === kind);
        },
      ),
    );
  });
});
