import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** What is sealed for one purpose opens for no other. */
export type SealPurpose = 'kept secret' | 'docker authority';

/**
 * An answer that is kept for a repeated request must not hold a readable secret. It is sealed for whoever sends
 * the same bearer token with the same key again: AES-256-GCM, its key derived (HKDF) from both.
 */
const keyFor = (bearer: string, idempotencyKey: string, purpose: SealPurpose): Buffer =>
  Buffer.from(hkdfSync('sha256', bearer, idempotencyKey, `bellows ${purpose}`, 32));

const [ivBytes, tagBytes] = [12, 16];

export function seal(
  secret: string,
  bearer: string,
  idempotencyKey: string,
  purpose: SealPurpose = 'kept secret',
): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', keyFor(bearer, idempotencyKey, purpose), iv);
  const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url');
}

/** Null when it was sealed for another bearer, key or purpose. */
export function unseal(
  sealed: string,
  bearer: string,
  idempotencyKey: string,
  purpose: SealPurpose = 'kept secret',
): string | null {
  const bytes = Buffer.from(sealed, 'base64url');
  try {
    const decipher = createDecipheriv(
      'aes-256-gcm',
      keyFor(bearer, idempotencyKey, purpose),
      bytes.subarray(0, ivBytes),
    );
    decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
    return decipher.update(bytes.subarray(ivBytes + tagBytes)).toString('utf8') + decipher.final('utf8');
  } catch {
    return null;
  }
}
