import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { DockerIdentity } from '@bellows/operations/instance/docker-certificate';
import type { Clock } from '@bellows/operations/ports/clock';
import type { Authenticator } from '@bellows/operations/token/authenticate';
import { identityIn } from './certificates.js';
import type { WayIn } from './way-in.js';

/** A connection has one certificate, and is asked many times. */
const known = new WeakMap<object, DockerIdentity | null>();

/** Null where the other side has shown no certificate of an instance that our authority has signed. */
function identityOf({ socket }: IncomingMessage): DockerIdentity | null {
  const found = known.get(socket);
  if (found !== undefined) return found;
  const shown =
    socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  const identity = shown instanceof X509Certificate ? identityIn(shown) : null;
  known.set(socket, identity);
  return identity;
}

/** Instance and token by the client's certificate; the path is the engine's own. No header says who asks. */
export const byCertificate = (authenticator: Authenticator, clock: Clock): WayIn => ({
  principal: async (incoming) => {
    const identity = identityOf(incoming);
    // A connection that is kept may outlive its certificate.
    if (!identity || identity.expiresAt <= clock.now()) return null;
    return authenticator.principalOf(identity.tokenId);
  },
  path: (incoming) => {
    const identity = identityOf(incoming);
    return identity && { instanceId: identity.instanceId, rest: incoming.url ?? '' };
  },
  until: (incoming) => identityOf(incoming)?.expiresAt ?? null,
  whatToShow:
    'This certificate, or the token it came from, is not valid any more. Run "bellows docker-env INSTANCE --tls" again.',
  challenge: [],
});
