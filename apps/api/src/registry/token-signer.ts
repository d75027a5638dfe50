import {
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Principal } from '@bellows/operations/cloud';
import type { RegistryAccess } from '@bellows/operations/registry/token';

const issuer = 'bellows';
const audience = 'bellows-registry';
/** As long as what a revoked token got from us still counts. */
export const lifetimeSeconds = 300;

/** Signs tokens of the registry (Docker's token authentication specification; JWT, ES256). */
export class TokenSigner {
  #key: Promise<{ key: KeyObject; id: string }> | null = null;

  constructor(private readonly keyFile: string) {}

  /** @param now milliseconds since the epoch. Rejects when the key cannot be read. */
  async sign(principal: Principal | null, { access, limits }: RegistryAccess, now: number): Promise<string> {
    const { key, id } = await this.#loaded();
    const seconds = Math.floor(now / 1000);
    const claims = {
      iss: issuer,
      sub: principal?.actor ?? '',
      aud: audience,
      iat: seconds,
      nbf: seconds - 10,
      exp: seconds + lifetimeSeconds,
      jti: randomBytes(16).toString('base64url'),
      access,
      limits,
    };
    const text = `${encoded({ typ: 'JWT', alg: 'ES256', kid: id })}.${encoded(claims)}`;
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }

  #loaded(): Promise<{ key: KeyObject; id: string }> {
    this.#key ??= readFile(this.keyFile, 'utf8').then((pem) => {
      const key = createPrivateKey(pem);
      return { key, id: keyId(createPublicKey(key)) };
    });
    this.#key.catch(() => (this.#key = null));
    return this.#key;
  }
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** Names a key as Docker's registry does: the first 240 bits of the SHA-256 of its DER form, base 32, in fours. */
export function keyId(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const bits = createHash('sha256').update(der).digest().subarray(0, 30);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let number = BigInt(`0x${bits.toString('hex')}`);
  let text = '';
  for (let at = 0; at < 48; at++, number >>= 5n) text = alphabet[Number(number & 31n)]! + text;
  return text.match(/.{4}/g)!.join(':');
}
