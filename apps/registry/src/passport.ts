import { createPublicKey, verify, type KeyObject } from 'node:crypto';

/** What a registry token says, once its signature was found to be ours. */
export interface Passport {
  readonly access: readonly { type: string; name: string; actions: readonly string[] }[];
  /** Bytes each project may keep, by its id. */
  readonly limits: Readonly<Record<string, number>>;
}

export const tokenIssuer = 'bellows';
export const tokenService = 'bellows-registry';
/** As the registry itself allows for clocks that differ. */
const leewaySeconds = 60;

/**
 * Reads the bearer tokens the API signs. The registry behind us checks every token itself; this is for what it does
 * not know of: how much a project may keep.
 */
export class Passports {
  readonly #key: KeyObject;

  /** @param certificate PEM, of the key that signs. */
  constructor(
    certificate: string,
    private readonly now: () => number,
  ) {
    this.#key = createPublicKey(certificate);
  }

  /** Null when there is none, or none that counts. */
  read(authorization: string | undefined): Passport | null {
    const [, head, claims, signature] =
      /^bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(authorization ?? '') ?? [];
    if (!head || !claims || !signature) return null;
    const key = { key: this.#key, dsaEncoding: 'ieee-p1363' } as const;
    const signed = Buffer.from(`${head}.${claims}`);
    if ((jsonOf(head) as { alg?: unknown })?.alg !== 'ES256') return null;
    if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return null;
    const { iss, aud, exp, nbf, access, limits } = jsonOf(claims) as Record<string, unknown>;
    const now = this.now() / 1000;
    if (!Array.isArray(access) || !access.every(isGrant)) return null;
    if (iss !== tokenIssuer || aud !== tokenService) return null;
    if (Number(exp) + leewaySeconds < now || Number(nbf) - leewaySeconds > now) return null;
    return {
      access,
      limits: (limits ?? {}) as Passport['limits'],
    };
  }
}

export const allows = ({ access }: Passport, repository: string, action: string): boolean =>
  access.some(
    ({ type, name, actions }) => type === 'repository' && name === repository && actions.includes(action),
  );

function isGrant(entry: unknown): entry is Passport['access'][number] {
  const { type, name, actions } = (entry ?? {}) as Record<string, unknown>;
  return typeof type === 'string' && typeof name === 'string' && Array.isArray(actions);
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
