import type { Settings } from '@bellows/config/settings';
import type { Images } from '@bellows/operations/ports/images';
import { RegistryKeeper } from './registry-keeper.js';
import { TokenSigner } from './token-signer.js';

/** What the API has of the registry. */
export interface RegistryParts {
  readonly signer: TokenSigner;
  readonly images: Images;
  /** HOST:PORT by which clients reach it. */
  readonly addresses: readonly string[];
}

/** Of `RegistryParts`, or null where the cloud has no registry. */
export const REGISTRY = Symbol('registry');

export const registryParts = ({ registry }: Pick<Settings, 'registry'>): RegistryParts | null =>
  registry && {
    signer: new TokenSigner(registry.keyFile),
    images: new RegistryKeeper(registry.url, registry.secret),
    addresses: registry.addresses,
  };
