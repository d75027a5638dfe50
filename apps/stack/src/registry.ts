import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import type { Settings } from '@bellows/config/settings';
import type { Ready } from './child.js';

/** Docker's registry, where it is installed; null where it is not. */
export const registryProgram = (path = process.env['PATH'] ?? ''): string | null =>
  [...path.split(delimiter), '/usr/bin']
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'docker-registry'))
    .find((file) => existsSync(file)) ?? null;

export interface RegistryBind {
  readonly addresses: readonly string[];
  /** The one that this host's firewall lets its guests reach; null: it is not for guests. */
  readonly guestPort: number | null;
}

/**
 * Where the registry listens, unless somebody said where: for people on loopback, and on a Bellows host for its guests
 * on the gateway of their own network.
 */
export async function registryBind(
  { hosts, registryDoor }: Pick<Settings, 'hosts' | 'registryDoor'>,
  hostFile = '/etc/bellows/host.json',
): Promise<RegistryBind> {
  if (registryDoor.bind) return { addresses: registryDoor.bind, guestPort: null };
  const host = hosts.some(({ driver }) => driver === 'libvirt') ? await bellowsHost(hostFile) : null;
  if (!host || !(await isOurs(host.privateGateway))) return { addresses: ['127.0.0.1'], guestPort: null };
  const { privateGateway, registryPort = 5000 } = host;
  return { addresses: ['127.0.0.1', privateGateway], guestPort: registryPort };
}

async function bellowsHost(
  hostFile: string,
): Promise<{ privateGateway: string; registryPort?: number } | null> {
  try {
    const said = JSON.parse(await readFile(hostFile, 'utf8')) as { privateGateway?: unknown };
    return typeof said.privateGateway === 'string'
      ? (said as { privateGateway: string; registryPort?: number })
      : null;
  } catch {
    return null; // This machine is no Bellows host.
  }
}

/** Node does not name the addresses of a bridge that has no guests yet; listening there works all the same. */
const isOurs = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: address, port: 0 }, () => probe.close(() => resolve(true)));
  });

/** How the registry's process is started, and what its neighbours are told once it runs. */
export class RegistryStart {
  readonly #secret = randomBytes(24).toString('base64url');
  #addresses: string[] = [];
  #forOthers: NodeJS.ProcessEnv = {};

  constructor(
    private readonly settings: Pick<Settings, 'home' | 'registryDoor'>,
    private readonly program: string,
    private readonly bind: RegistryBind,
  ) {}

  /** HOST:PORT for people on this machine; null before it runs. */
  get address(): string | null {
    return this.#addresses[0] ?? null;
  }

  /** Nothing of it leads to the database or makes an admin: it reads what guests send. */
  environment(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const { home, registryDoor } = this.settings;
    return {
      BELLOWS_REGISTRY_FOLDER: join(home, 'registry'),
      BELLOWS_REGISTRY_PROGRAM: this.program,
      BELLOWS_REGISTRY_BIND: this.bind.addresses.join(','),
      BELLOWS_REGISTRY_PORT: registryDoor.port === null ? '' : String(registryDoor.port),
      BELLOWS_REGISTRY_SECRET: this.#secret,
      BELLOWS_REGISTRY_NAMES: given['BELLOWS_REGISTRY_NAMES'],
      BELLOWS_REGISTRY_COLLECT_HOUR: given['BELLOWS_REGISTRY_COLLECT_HOUR'],
    };
  }

  /** @returns what its next start is given, so that it is found where it was. */
  heard({ port, control, authorityFile }: Ready): NodeJS.ProcessEnv {
    const written = this.bind.addresses.map((address) => (address.includes(':') ? `[${address}]` : address));
    this.#addresses = written.map((address) => `${address}:${String(port)}`);
    this.#forOthers = {
      BELLOWS_REGISTRY_URL: String(control),
      BELLOWS_REGISTRY_SECRET: this.#secret,
      BELLOWS_REGISTRY_KEY: join(this.settings.home, 'registry/token-key.pem'),
      BELLOWS_REGISTRY_CA: String(authorityFile),
      BELLOWS_REGISTRY_ADDRESSES: this.#addresses.join(','),
    };
    return {
      BELLOWS_REGISTRY_CONTROL: new URL(String(control)).host,
      BELLOWS_REGISTRY_PORT: String(port),
    };
  }

  /** Null, or what keeps guests from it. */
  get problem(): string | null {
    const { guestPort } = this.bind;
    if (this.address === null || guestPort === null || this.address.endsWith(`:${guestPort}`)) return null;
    return `guests of this host reach a registry at port ${guestPort} alone: see infra/host/README.md`;
  }

  /** For the API and the worker. */
  get forOthers(): NodeJS.ProcessEnv {
    return this.#forOthers;
  }

  /** For the modelled engines: they come as any client does. */
  get forEngines(): NodeJS.ProcessEnv {
    const { BELLOWS_REGISTRY_CA, BELLOWS_REGISTRY_ADDRESSES } = this.#forOthers;
    return this.address === null ? {} : { BELLOWS_REGISTRY_CA, BELLOWS_REGISTRY_ADDRESSES };
  }

  /** Where the registry's door asks who may do what: the API's address is known only when it listens. */
  async tell(apiUrl: string): Promise<void> {
    if (this.address === null) return;
    await writeFile(join(this.settings.home, 'registry/api-url'), `${apiUrl}\n`, { mode: 0o600 });
  }
}
