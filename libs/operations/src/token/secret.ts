import { createHash } from 'node:crypto';

/** 256 random bits as text; `bws_` lets secret scanners find one that leaked. */
export const secretOf = (randomBytes: (count: number) => Uint8Array): string =>
  `bws_${Buffer.from(randomBytes(32)).toString('base64url')}`;

/**
 * What the store keeps of a token. A plain SHA-256 serves: a slow hash protects what people can remember, and
 * 256 random bits cannot be guessed. Looking the hash up leaks no timing about the secret itself.
 */
export const secretHashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
