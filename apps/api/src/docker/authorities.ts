import { createHash, createPrivateKey, hkdfSync, X509Certificate } from 'node:crypto';
import type { DockerCertificate, DockerIdentity } from '@bellows/operations/instance/docker-certificate';
import type { Clock } from '@bellows/operations/ports/clock';
import type { AuthorityRecords, DockerAuthority } from '@bellows/operations/ports/docker-authority';
import type { EpochMs } from '@bellows/operations/ports/rows';
import { seal, unseal } from '@bellows/operations/token/sealed';
import { makeAuthority, signClient, type KeyAndCertificate } from './certificates.js';

const dayMs = 86_400_000;
/** A new one for every half year; each is good for the next half year, too. */
const periodMs = 180 * dayMs;
/** Before it signs anything, every process and every client's bundle (a day old at most) has heard of it. */
const restMs = 25 * 3_600_000;
/** Clocks of clients are not always right. */
export const skewMs = 5 * 60_000;

export interface OpenAuthority extends KeyAndCertificate {
  readonly createdAt: EpochMs;
}

/** The authorities of the cloud at one moment. */
export interface Authorities {
  /** PEM, each. */
  readonly certificates: readonly string[];
  /** All of them, as a client's ca.pem. */
  readonly bundle: string;
  /** The one that signs now. */
  readonly signer: KeyAndCertificate;
}

/** The newest that has rested; while there is none, the oldest. */
export function signerOf(open: readonly OpenAuthority[], now: EpochMs): OpenAuthority | undefined {
  return open.findLast(({ createdAt }) => createdAt + restMs <= now) ?? open[0];
}

/**
 * The authorities that sign for the docker port and its clients, the same in every process that has the same
 * secret: kept in the database, their keys sealed with that secret. What another secret has sealed is not trusted,
 * so that changing the secret ends every certificate.
 */
export class DockerAuthorities {
  readonly #sealedBy: string;

  constructor(
    private readonly records: AuthorityRecords,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly secret: string,
  ) {
    const name = Buffer.from(hkdfSync('sha256', secret, '', 'bellows docker authority name', 8));
    this.#sealedBy = name.toString('hex');
  }

  async current(): Promise<Authorities> {
    const now = this.clock.now();
    const id = `${this.#sealedBy}-${Math.floor(now / periodMs)}`;
    let rows = await this.records.dockerAuthorities(now);
    if (!rows.some((row) => row.id === id)) {
      await this.records.addDockerAuthority(await this.#make(id, now));
      rows = await this.records.dockerAuthorities(now);
    }
    const open = rows.flatMap((row) => this.#open(row));
    const signer = signerOf(open, now);
    if (!signer) throw new Error(`the docker authority ${id} cannot be opened`);
    const certificates = open.map(({ certificate }) => certificate);
    return { certificates, bundle: certificates.join(''), signer };
  }

  async mint(identity: DockerIdentity): Promise<DockerCertificate> {
    const { bundle, signer } = await this.current();
    const signed = await signClient(signer, identity, this.clock.now() - skewMs);
    return { ca: bundle, ...signed };
  }

  async #make(id: string, now: EpochMs): Promise<DockerAuthority> {
    const expiresAt = (Math.floor(now / periodMs) + 2) * periodMs;
    const made = await makeAuthority(`bellows docker ${nameOf(id)}`, { from: now - skewMs, to: expiresAt });
    const sealedKey = seal(made.key, this.secret, id, 'docker authority');
    return { id, certificate: made.certificate, sealedKey, createdAt: now, expiresAt };
  }

  /** Only what our secret opens, and only with the certificate it was made for: others may write to a table. */
  #open({ id, certificate, sealedKey, createdAt }: DockerAuthority): OpenAuthority[] {
    const key = id.startsWith(`${this.#sealedBy}-`)
      ? unseal(sealedKey, this.secret, id, 'docker authority')
      : null;
    if (key === null || !belongs(key, certificate)) return [];
    return [{ key, certificate, createdAt }];
  }
}

/** Two clouds' authorities should not look alike in a client's store of certificates. */
const nameOf = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 12);

function belongs(key: string, certificate: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
