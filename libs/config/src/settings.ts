import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { validateSync } from 'class-validator';
import { Environment, secretVariables } from './environment.js';
import { parseHostSources, type HostSource } from './host-sources.js';

/** Every setting of every process of Bellows, read and checked once. */
export interface Settings {
  /** Absolute path: where state lives. */
  readonly home: string;
  readonly bind: string;
  /** 0: the kernel picks one. */
  readonly port: number;
  /** What to enrol at the first start. */
  readonly hosts: readonly HostSource[];
  /** Null: the stack starts an embedded PostgreSQL. */
  readonly databaseUrl: string | null;
  /** Null: BullMQ's Postgres backend is the queue. */
  readonly redisUrl: string | null;
  /** Null: made, and written to `$BELLOWS_HOME/admin-token`. */
  readonly adminToken: string | null;
  /** Multiplies the modelled latencies; 0 is none. */
  readonly simLatency: number;
  /** PEM files; both or neither. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** The port where docker clients show a certificate instead of a header; null: there is none. */
  readonly dockerPort: DockerPortSettings | null;
  /** The modelled fleet's process; null when this cloud has none. */
  readonly fleet: { readonly url: string; readonly secret: string } | null;
  /** The process that speaks to container engines in guests; null: none can be reached. */
  readonly gateway: { readonly url: string; readonly secret: string } | null;
  /** Whether the engines' own events are read while docker commands run, to show them with the engine's jobs. */
  readonly engineEvents: boolean;
  /** The keeper of the registry, and how its tokens are signed; null: this cloud has no registry. */
  readonly registry: {
    readonly url: string;
    readonly secret: string;
    /** PEM file. */
    readonly keyFile: string;
    /** PEM file of the authority that clients trust; null: one they trust anyway. */
    readonly caFile: string | null;
    /** HOST:PORT by which clients reach it; the first is for people on this machine. */
    readonly addresses: readonly string[];
  } | null;
  /** What the stack starts the registry with: its port, null for the usual one, and addresses; null for the usual ones. */
  readonly registryDoor: { readonly port: number | null; readonly bind: readonly string[] | null };
  /** Requests a second each token may make, and how many at once; 0 switches the limit off. */
  readonly rateLimitPerSecond: number;
  readonly logLevel: LogLevel;
  readonly worker: {
    /** Of its `/healthz` and `/metrics`; 0: the kernel picks one. */
    readonly port: number;
    /** Operations it runs at once; they mostly wait. */
    readonly concurrency: number;
    /** How long a dead worker's operations wait before another takes them over. */
    readonly leaseMs: number;
  };
}

export interface DockerPortSettings {
  /** 0: the kernel picks one. */
  readonly port: number;
  /** True when nobody has said which: another one does as well when it is taken. */
  readonly byDefault: boolean;
  /** How clients reach it, where that is neither the address it listens on nor a name of this machine. */
  readonly host: string | null;
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Names every setting that cannot be used; fit to be shown as it is. */
export class SettingsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Settings that cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
  }
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Variables of a `.env` file; none when there is no such file. */
function variablesOf(envFile: string): Variables {
  try {
    return parseEnv(readFileSync(envFile, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

function problemsOf(environment: Environment): string[] {
  const problems = validateSync(environment).map(({ property, value, constraints }) => {
    const shown = secretVariables.has(property) ? 'has a value (not shown)' : `is ${JSON.stringify(value)}`;
    return `${property} ${shown}; expected ${Object.values(constraints ?? {})[0]}.`;
  });
  const together = (one: keyof Environment, other: keyof Environment) => {
    if ((environment[one] === undefined) === (environment[other] === undefined)) return;
    const [set, missing] = environment[one] === undefined ? [other, one] : [one, other];
    problems.push(`${missing} is not set; expected a value, because ${set} has one.`);
  };
  together('BELLOWS_TLS_CERT', 'BELLOWS_TLS_KEY');
  together('BELLOWS_FLEET_URL', 'BELLOWS_FLEET_SECRET');
  together('BELLOWS_GATEWAY_URL', 'BELLOWS_GATEWAY_SECRET');
  together('BELLOWS_REGISTRY_URL', 'BELLOWS_REGISTRY_SECRET');
  return problems;
}

const listOf = (text: string | undefined): string[] | null =>
  text === undefined ? null : text.split(',').map((part) => part.trim());

function registryOf(e: Environment): Settings['registry'] {
  if (!e.BELLOWS_REGISTRY_URL || !e.BELLOWS_REGISTRY_SECRET) return null;
  return {
    url: e.BELLOWS_REGISTRY_URL,
    secret: e.BELLOWS_REGISTRY_SECRET,
    keyFile: resolve(e.BELLOWS_REGISTRY_KEY ?? `${e.BELLOWS_HOME ?? './.bellows'}/registry/token-key.pem`),
    caFile: e.BELLOWS_REGISTRY_CA ? resolve(e.BELLOWS_REGISTRY_CA) : null,
    addresses: listOf(e.BELLOWS_REGISTRY_ADDRESSES) ?? [],
  };
}

const addressOf = (url: string | undefined, secret: string | undefined) =>
  url && secret ? { url, secret } : null;

const dockerPortOf = ({ BELLOWS_DOCKER_PORT: port, BELLOWS_DOCKER_HOST: host }: Environment) =>
  port === 'off' ? null : { port: Number(port ?? 2376), byDefault: port === undefined, host: host ?? null };

function settingsOf(environment: Environment): Settings {
  const e = environment;
  return {
    home: resolve(e.BELLOWS_HOME ?? './.bellows'),
    bind: e.BELLOWS_BIND ?? '127.0.0.1',
    port: Number(e.BELLOWS_PORT ?? 3000),
    hosts: parseHostSources(e.BELLOWS_HOSTS ?? 'sim:8') ?? [],
    databaseUrl: e.DATABASE_URL ?? null,
    redisUrl: e.REDIS_URL ?? null,
    adminToken: e.BELLOWS_ADMIN_TOKEN ?? null,
    simLatency: Number(e.BELLOWS_SIM_LATENCY ?? 1),
    tls:
      e.BELLOWS_TLS_CERT && e.BELLOWS_TLS_KEY
        ? { certFile: resolve(e.BELLOWS_TLS_CERT), keyFile: resolve(e.BELLOWS_TLS_KEY) }
        : null,
    dockerPort: dockerPortOf(e),
    fleet: addressOf(e.BELLOWS_FLEET_URL, e.BELLOWS_FLEET_SECRET),
    gateway: addressOf(e.BELLOWS_GATEWAY_URL, e.BELLOWS_GATEWAY_SECRET),
    engineEvents: e.BELLOWS_ENGINE_EVENTS !== 'off',
    registry: registryOf(e),
    registryDoor: {
      port: e.BELLOWS_REGISTRY_PORT === undefined ? null : Number(e.BELLOWS_REGISTRY_PORT),
      bind: listOf(e.BELLOWS_REGISTRY_BIND),
    },
    rateLimitPerSecond: Number(e.BELLOWS_RATE_LIMIT ?? 2000),
    logLevel: (e.BELLOWS_LOG_LEVEL ?? 'info') as LogLevel,
    worker: {
      port: Number(e.BELLOWS_WORKER_PORT ?? 0),
      concurrency: Number(e.BELLOWS_WORKER_CONCURRENCY ?? 64),
      leaseMs: Number(e.BELLOWS_WORKER_LEASE_MS ?? 30_000),
    },
  };
}

/** The environment wins over `.env`; an empty value is as good as none. Throws `SettingsError`. */
export function readSettings(variables: Variables = process.env, envFile = '.env'): Settings {
  const all = { ...variablesOf(envFile), ...variables };
  const environment = new Environment();
  for (const name of Environment.names) {
    const value = all[name]?.trim();
    if (value) environment[name] = value;
  }
  const problems = problemsOf(environment);
  if (problems.length > 0) throw new SettingsError(problems);
  return settingsOf(environment);
}
