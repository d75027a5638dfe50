import { resolve } from 'node:path';

export type ListenAt =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface FleetSettings {
  readonly listen: ListenAt;
  /** Where the journal and the snapshots are. */
  readonly folder: string;
  readonly latencyScale: number;
  readonly seed: string;
  readonly secret: string;
  /** Whether a commit waits for the disk; without it, acknowledged verbs survive the process but not a power cut. */
  readonly sync: boolean;
  /** The cloud's own registry; null: the engines' registries are all modelled. */
  readonly registry?: { readonly addresses: readonly string[]; readonly caFile: string } | null;
}

/** @throws Error that names the variable and what it should be. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): FleetSettings {
  return {
    listen: listenAt(env['BELLOWS_FLEET_LISTEN'] || '127.0.0.1:0'),
    folder: resolve(env['BELLOWS_HOME'] || './.bellows', 'fleet'),
    latencyScale: scale(env['BELLOWS_SIM_LATENCY'] || '1'),
    seed: env['BELLOWS_SIM_SEED'] || 'bellows',
    secret: secret(env['BELLOWS_FLEET_SECRET']),
    sync: sync(env['BELLOWS_FLEET_SYNC'] || 'on'),
    registry: registry(env['BELLOWS_REGISTRY_ADDRESSES'], env['BELLOWS_REGISTRY_CA']),
  };
}

function registry(addresses = '', caFile = ''): NonNullable<FleetSettings['registry']> | null {
  if (addresses === '' || caFile === '') return null;
  const list = addresses.split(',').map((address) => address.trim());
  const wrong = list.find((address) => !/^(\[[0-9a-f:]+\]|[a-z0-9.-]+):\d{1,5}$/i.test(address));
  if (wrong === undefined) return { addresses: list, caFile };
  throw new Error(`BELLOWS_REGISTRY_ADDRESSES must be HOST:PORT, several by commas, not "${wrong}"`);
}

function listenAt(text: string): ListenAt {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    // sun_path holds 108 bytes with its end; a longer one would be cut short without a word.
    if (path === '' || Buffer.byteLength(path) > 107) {
      throw new Error(`BELLOWS_FLEET_LISTEN: the path of a unix socket has 1 to 107 bytes, not "${path}"`);
    }
    return { kind: 'unix', path };
  }
  const parts = /^\[?([^[\]]+)\]?:(\d+)$/.exec(text);
  const port = Number(parts?.[2]);
  if (!parts || port > 65_535) {
    throw new Error(`BELLOWS_FLEET_LISTEN must be HOST:PORT (port 0 picks one) or unix:PATH, not "${text}"`);
  }
  return { kind: 'tcp', host: parts[1]!, port };
}

function scale(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0 && value <= 1000) return value;
  throw new Error(
    `BELLOWS_SIM_LATENCY must be a number from 0 (none) to 1000 (1 is as measured), not "${text}"`,
  );
}

function secret(text: string | undefined): string {
  if (text && /^[\x21-\x7e]{16,}$/.test(text)) return text;
  throw new Error('BELLOWS_FLEET_SECRET must be set: 16 or more printable characters without spaces');
}

function sync(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new Error(`BELLOWS_FLEET_SYNC must be on or off, not "${text}"`);
}
