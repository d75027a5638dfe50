import { X509Certificate } from 'node:crypto';
import type { EpochMs } from '@bellows/operations/ports/rows';
import { skewMs, type DockerAuthorities } from './authorities.js';
import { signServer } from './certificates.js';

const lifeMs = 7 * 86_400_000;

/** What a TLS listener needs, in PEM. */
export interface PortContext {
  readonly key: string;
  readonly cert: string;
  /** Who signs for its clients. */
  readonly ca: string;
}

/** The port's own certificate, made in this process and never kept. */
export class PortCertificate {
  #of = '';
  #renewAt = 0;
  #signers: readonly X509Certificate[] = [];

  constructor(
    private readonly authorities: Pick<DockerAuthorities, 'current'>,
    private readonly names: () => readonly string[],
  ) {}

  /** Who signs for the port's clients. */
  get signers(): readonly X509Certificate[] {
    return this.#signers;
  }

  /** Null while the last one serves: half of its life is left, and authorities and names are the same. */
  async renewed(now: EpochMs): Promise<PortContext | null> {
    const { bundle, signer, certificates } = await this.authorities.current();
    const names = this.names();
    const of = JSON.stringify([bundle, signer.certificate, names]);
    if (of === this.#of && now < this.#renewAt) return null;
    const signed = await signServer(signer, names, { from: now - skewMs, to: now + lifeMs });
    this.#signers = certificates.map((certificate) => new X509Certificate(certificate));
    this.#of = of;
    this.#renewAt = now + lifeMs / 2;
    return { key: signed.key, cert: signed.certificate, ca: bundle };
  }
}
