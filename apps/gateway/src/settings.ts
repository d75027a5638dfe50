export interface GatewaySettings {
  readonly host: string;
  /** 0: the kernel picks one. */
  readonly port: number;
  /** Shared with the API and the worker. */
  readonly secret: string;
  /** The modelled fleet's process; null when this cloud has none. */
  readonly fleet: { readonly url: string; readonly secret: string } | null;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Few, and none that leads to the database. @throws Error that names the variable and what it should be. */
export function readSettings(env: Variables): GatewaySettings {
  const listen = env['BELLOWS_GATEWAY_LISTEN'] || '127.0.0.1:0';
  const parts = /^\[?([^[\]]+)\]?:(\d{1,5})$/.exec(listen);
  const port = Number(parts?.[2]);
  if (!parts || port > 65_535) {
    throw new Error(`BELLOWS_GATEWAY_LISTEN must be HOST:PORT (port 0 picks one), not "${listen}"`);
  }
  const url = env['BELLOWS_FLEET_URL'];
  return {
    host: parts[1]!,
    port,
    secret: secret(env, 'BELLOWS_GATEWAY_SECRET'),
    fleet: url ? { url, secret: secret(env, 'BELLOWS_FLEET_SECRET') } : null,
  };
}

function secret(env: Variables, name: string): string {
  const text = env[name];
  if (text && /^[\x21-\x7e]{16,}$/.test(text)) return text;
  throw new Error(`${name} must be set: 16 or more printable characters without spaces`);
}
