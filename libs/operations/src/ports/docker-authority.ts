import type { EpochMs } from './rows.js';

/** Signs the certificates of the docker port: who its clients are, and who the port is. */
export interface DockerAuthority {
  /** Says with whose secret the key is sealed, and for which stretch of time: it is made once, whoever makes it. */
  readonly id: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM, sealed: see `seal`. */
  readonly sealedKey: string;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs;
}

/** The part of the store that keeps authorities for every process, over restarts. */
export interface AuthorityRecords {
  /** Those that have not expired, oldest first. */
  dockerAuthorities(now: EpochMs): Promise<DockerAuthority[]>;
  /** Keeps the one that is there when its id is taken. Those that have expired when it was made are forgotten. */
  addDockerAuthority(authority: DockerAuthority): Promise<void>;
}
