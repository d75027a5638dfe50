import { LibvirtAuthError } from './errors.js';
import { DriverFeature } from './flags.js';
import type { KeepAliveOptions } from './keepalive.js';
import type { CallOptions } from './protocol/procedure.js';
import type { Session } from './session.js';

/** remote_auth_type. */
const Auth = { NONE: 0, SASL: 1, POLKIT: 2 } as const;

export interface HandshakeOptions extends CallOptions {
  /** What the daemon is asked to open, such as `qemu:///system`. */
  name: string;
  /** Of ConnectOpen. */
  flags: number;
  keepAlive: KeepAliveOptions | false;
}

/** What libvirt wants before the first call: authentication, opening the driver, agreeing on keepalive. */
export const shakeHands = async (
  session: Session,
  { name, flags, keepAlive, ...call }: HandshakeOptions,
): Promise<void> => {
  await authenticate(session, call);
  await session.call('connectOpen', [name, flags], call);
  if (keepAlive && (await session.call('connectSupportsFeature', [DriverFeature.PROGRAM_KEEPALIVE], call))) {
    session.startKeepAlive(keepAlive);
  }
};

const authenticate = async (session: Session, call: CallOptions): Promise<void> => {
  const offered = await session.call('authList', [], call);
  // libvirt takes the first it offers; an empty list means none.
  const [wanted = Auth.NONE] = offered;
  if (wanted === Auth.NONE) return;
  if (wanted !== Auth.POLKIT) {
    const asked = wanted === Auth.SASL ? 'SASL' : `authentication type ${wanted}`;
    throw new LibvirtAuthError(`the server wants ${asked}, which this client does not have`);
  }
  await session.call('authPolkit', [], call);
};
