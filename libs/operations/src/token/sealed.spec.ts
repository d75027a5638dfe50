import { describe, expect, it } from '@jest/globals';
import { seal, unseal } from './sealed.js';

describe('a sealed secret', () => {
  const sealed = seal('bws_secret', 'bearer', 'key');

  it('opens for the same bearer and key only', () => {
    expect(unseal(sealed, 'bearer', 'key')).toBe('bws_secret');
    expect(unseal(sealed, 'another', 'key')).toBeNull();
    expect(unseal(sealed, 'bearer', 'another')).toBeNull();
    expect(unseal(sealed, 'bearer', 'key', 'docker authority')).toBeNull();
    expect(unseal(seal('s', 'b', 'k', 'docker authority'), 'b', 'k', 'docker authority')).toBe('s');
  });

  it('does not open when a byte was changed, or is missing', () => {
    const bytes = Buffer.from(sealed, 'base64url');
    bytes[bytes.length - 1]! ^= 1;
    expect(unseal(bytes.toString('base64url'), 'bearer', 'key')).toBeNull();
    expect(unseal('', 'bearer', 'key')).toBeNull();
    expect(unseal(sealed.slice(0, 20), 'bearer', 'key')).toBeNull();
  });

  it('does not show the secret', () => {
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('secret');
  });
});
