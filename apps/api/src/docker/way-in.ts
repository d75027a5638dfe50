import type { IncomingMessage } from 'node:http';
import type { HeaderList } from '@bellows/engine/proxy/request';
import type { Principal } from '@bellows/operations/cloud';
import type { EpochMs } from '@bellows/operations/ports/rows';
import type { Authenticator } from '@bellows/operations/token/authenticate';
import { bearerOf } from '../http/auth.guard.js';
import { dockerPath, type DockerPath } from './docker-path.js';

/** How a docker request shows who asks and which instance is meant. All that follows is the same for every way. */
export interface WayIn {
  /** Null: nobody whom we know. */
  principal(incoming: IncomingMessage): Promise<Principal | null>;
  /** Null: no address of this way. */
  path(incoming: IncomingMessage): DockerPath | null;
  /** When what was shown is good no longer, whatever becomes of the token; null: never by itself. */
  until(incoming: IncomingMessage): EpochMs | null;
  /** To whoever is nobody. */
  readonly whatToShow: string;
  readonly challenge: HeaderList;
}

/** The instance by the path, the token by the Authorization header: `…/v1/instances/ID/docker/…`. */
export const byHeader = (authenticator: Authenticator): WayIn => ({
  principal: async (incoming) => {
    const secret = bearerOf(incoming);
    return secret === null ? null : authenticator.principal(secret);
  },
  path: (incoming) => dockerPath(incoming.url ?? ''),
  until: () => null,
  whatToShow: 'Send a valid token: Authorization: Bearer …',
  challenge: [['WWW-Authenticate', 'Bearer']],
});
