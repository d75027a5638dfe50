import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { ensureAdminToken } from '@bellows/config/home';
import type { Settings } from '@bellows/config/settings';
import { migrate } from '@bellows/store/migrate';
import { ApiCaller } from './api-caller.js';
import { Child, type Ready } from './child.js';
import { EmbeddedDatabase } from './database.js';
import { databaseFolder } from './home.js';
import { enrolFirstHosts } from './first-hosts.js';
import { plainVariables } from './plain-variables.js';
import { registryBind, registryProgram, RegistryStart } from './registry.js';

const mainOf = (app: string) => createRequire(import.meta.url).resolve(`@bellows/${app}/main`);
const readyWithinMs = 60_000;

/** Everything `npm start` runs, in the order it is started; it is stopped the other way round. */
export class Stack {
  #url = '';
  #dockerUrl: string | null = null;
  readonly #children: Child[] = [];
  #database: EmbeddedDatabase | null = null;
  #registry: RegistryStart | null = null;
  #stopping = false;

  constructor(
    private readonly settings: Settings,
    private readonly say: (text: string) => void,
  ) {}

  get url(): string {
    return this.#url;
  }

  /** Where docker clients show a certificate; null when that is switched off. */
  get dockerUrl(): string | null {
    return this.#dockerUrl;
  }

  /** HOST:PORT of the registry; null where there is none. */
  get registry(): string | null {
    return this.#registry?.address ?? null;
  }

  /** Resolves when `/readyz` says 200 and the first servers are enrolled; with problems that are worth a look. */
  async start(): Promise<string[]> {
    const { home, hosts } = this.settings;
    const token = await ensureAdminToken(this.settings);
    const databaseUrl = this.settings.databaseUrl ?? (await this.#startDatabase());
    await migrate(databaseUrl);
    const registry = await this.#startRegistry();
    const fleet = hosts.some(({ driver }) => driver === 'sim') ? await this.#startFleet() : {};
    const gateway = await this.#startGateway(fleet);
    const environment = {
      ...{ DATABASE_URL: databaseUrl, BELLOWS_ADMIN_TOKEN: token },
      ...{ ...fleet, ...gateway, ...registry },
    };
    await Promise.all([this.#startApi(environment), this.#startWorker(environment)]);
    await this.#registry?.tell(this.#url);
    const api = new ApiCaller(this.#url, token);
    await this.#untilReady(api);
    return enrolFirstHosts(home, hosts, api);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const child of this.#children.toReversed()) await child.stop();
    await this.#database?.stop();
  }

  /** No grace for anyone but the database, which stops fast by itself. */
  hurry(): void {
    for (const child of this.#children) child.kill();
  }

  async #startDatabase(): Promise<string> {
    this.#database = await EmbeddedDatabase.start(
      await databaseFolder(this.settings.home, this.say),
      this.say,
    );
    return this.#database.url;
  }

  async #startFleet(): Promise<NodeJS.ProcessEnv> {
    const secret = randomBytes(24).toString('base64url');
    let url = '';
    const environment = {
      ...{ BELLOWS_FLEET_LISTEN: this.#fleetListensAt(), BELLOWS_FLEET_SECRET: secret },
      ...this.#registry?.forEngines,
    };
    await this.#run('fleet', environment, ({ listen }) => {
      url = String(listen);
      return { BELLOWS_FLEET_LISTEN: url.startsWith('unix:') ? url : new URL(url).host };
    });
    return { BELLOWS_FLEET_URL: url, BELLOWS_FLEET_SECRET: secret };
  }

  /** A verb over a unix socket costs half of what it does over TCP; the path of one holds 107 bytes. */
  #fleetListensAt(): string {
    const path = resolve(this.settings.home, 'fleet.sock');
    return Buffer.byteLength(path) <= 107 ? `unix:${path}` : '127.0.0.1:0';
  }

  /** It reads what guests send, so it is given nothing that leads to the database or makes an admin. */
  async #startGateway(fleet: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
    const secret = randomBytes(24).toString('base64url');
    let url = '';
    const environment = { ...fleet, BELLOWS_GATEWAY_LISTEN: '127.0.0.1:0', BELLOWS_GATEWAY_SECRET: secret };
    const heard = ({ listen }: Ready) => {
      url = String(listen);
      return { BELLOWS_GATEWAY_LISTEN: new URL(url).host };
    };
    await this.#run('gateway', environment, heard, plainVariables(process.env));
    return { BELLOWS_GATEWAY_URL: url, BELLOWS_GATEWAY_SECRET: secret };
  }

  /** Where Docker's registry is installed. A cloud without it is a cloud all the same. */
  async #startRegistry(): Promise<NodeJS.ProcessEnv> {
    const program = registryProgram();
    if (program === null) return {};
    const { registryDoor } = this.settings;
    const registry = new RegistryStart(this.settings, program, await registryBind(this.settings));
    try {
      const heard = (ready: Ready) => registry.heard(ready);
      await this.#run('registry', registry.environment(process.env), heard, plainVariables(process.env));
    } catch (error) {
      if (registryDoor.port !== null || registryDoor.bind !== null) throw error;
      this.say(`there is no registry: ${(error as Error).message}`);
    }
    this.#registry = registry;
    if (registry.problem) this.say(`the registry is at ${registry.address}; ${registry.problem}`);
    return registry.forOthers;
  }

  #startApi(environment: NodeJS.ProcessEnv): Promise<void> {
    const { bind, tls } = this.settings;
    const scheme = tls ? 'https' : 'http';
    const any = bind === '0.0.0.0' || bind === '::';
    const host = any ? '127.0.0.1' : bind.includes(':') ? `[${bind}]` : bind;
    return this.#run('api', environment, ({ port, dockerPort }) => {
      this.#url = `${scheme}://${host}:${String(port)}`;
      this.#dockerUrl = typeof dockerPort === 'number' ? `tcp://${host}:${dockerPort}` : null;
      // Started again, it listens where its clients know it to be.
      return { BELLOWS_PORT: String(port), BELLOWS_DOCKER_PORT: String(dockerPort ?? 'off') };
    });
  }

  #startWorker(environment: NodeJS.ProcessEnv): Promise<void> {
    return this.#run('worker', environment, ({ port }) => ({ BELLOWS_WORKER_PORT: String(port) }));
  }

  async #run(
    name: string,
    environment: NodeJS.ProcessEnv,
    onReady: (ready: Ready) => NodeJS.ProcessEnv,
    inherited: NodeJS.ProcessEnv = { ...process.env, BELLOWS_HOME: this.settings.home },
  ): Promise<void> {
    if (this.#stopping) throw new Error('stopped while starting');
    const { home } = this.settings;
    const spec = {
      name,
      main: mainOf(name),
      environment: { ...inherited, ...environment },
      logFolder: join(home, 'logs'),
      graceMs: name === 'worker' ? 25_000 : 10_000,
      niceness: this.#niceness(name),
    };
    const child = new Child(spec, this.say, onReady);
    this.#children.push(child);
    await child.start();
  }

  /**
   * With modelled servers alone, requests go before the work they ask for. Beside real guests nothing gives way: a
   * busy guest must not keep the cloud from resizing it.
   */
  #niceness(name: string): number {
    const real = this.settings.hosts.some(({ driver }) => driver === 'libvirt');
    return real || name === 'api' ? 0 : 10;
  }

  async #untilReady(api: ApiCaller): Promise<void> {
    const end = Date.now() + readyWithinMs;
    for (;;) {
      const status = await api.readyStatus().catch(() => 0);
      if (status === 200) return;
      if (this.#stopping) throw new Error('stopped while starting');
      if (Date.now() > end)
        throw new Error(`${this.#url}/readyz does not say 200 (last: ${status || 'no answer'})`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
