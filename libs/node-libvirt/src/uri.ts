/** Where the daemon listens. */
export type DialTarget =
  | { transport: 'unix'; path: string }
  | { transport: 'tcp'; host: string; port: number }
  | { transport: 'tls'; host: string; port: number };

export interface ParsedUri {
  target: DialTarget;
  /** What the daemon is asked to open: the URI without transport, host and the parameters meant for us. */
  name: string;
}

const DEFAULT_SOCKET = '/run/libvirt/libvirt-sock';
const DEFAULT_READ_ONLY_SOCKET = '/run/libvirt/libvirt-sock-ro';
const DEFAULT_PORT = { tcp: 16_509, tls: 16_514 } as const;
/** Parameters of libvirt's remote driver that this client acts on; others go to the daemon. */
const OWN_PARAMETERS = ['socket', 'name'];

/**
 * Reads a libvirt URI (https://libvirt.org/uri.html): `driver[+transport]://[host[:port]]/path[?socket=…&name=…]`.
 * Without host and transport it is the local unix socket; with a host alone, TLS, as libvirt has it.
 * Throws TypeError for what cannot be dialled: ssh and the libssh transports among them.
 */
export const parseUri = (uri: string, readOnly = false): ParsedUri => {
  const match = /^([a-z][a-z0-9]*)(?:\+([a-z0-9]+))?:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?$/i.exec(uri);
  if (!match) throw new TypeError(`'${uri}' is not a libvirt URI`);
  const [, driver = '', scheme, authority = '', path = '', query = ''] = match;
  const parameters = new URLSearchParams(query);
  const transport = (scheme ?? (authority === '' ? 'unix' : 'tls')).toLowerCase();
  const socket = parameters.get('socket') ?? (readOnly ? DEFAULT_READ_ONLY_SOCKET : DEFAULT_SOCKET);
  return {
    target: targetOf(uri, transport, authority, socket),
    name: parameters.get('name') ?? nameOf(driver, path, parameters),
  };
};

const targetOf = (uri: string, transport: string, authority: string, socket: string): DialTarget => {
  if (transport === 'unix') {
    if (authority !== '') throw new TypeError(`'${uri}': a unix socket has no host`);
    return { transport, path: socket };
  }
  if (transport !== 'tcp' && transport !== 'tls') {
    throw new TypeError(`'${uri}': transport '${transport}' is not one of unix, tcp, tls`);
  }
  const match = /^(?:[^@]*@)?(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(authority);
  const host = match?.[1]?.replace(/^\[|\]$/g, '');
  if (!match || !host) throw new TypeError(`'${uri}': transport '${transport}' needs a host`);
  return { transport, host, port: match[2] ? Number(match[2]) : DEFAULT_PORT[transport] };
};

const nameOf = (driver: string, path: string, parameters: URLSearchParams): string => {
  const passedOn = new URLSearchParams([...parameters].filter(([name]) => !OWN_PARAMETERS.includes(name)));
  const query = passedOn.toString();
  return `${driver}://${path || '/'}${query ? `?${query}` : ''}`;
};
