import { DockerError } from '../docker-error.js';
import { LineError, RegistryLine, textOf } from './registry-line.js';
import { RegistryRefusal, RegistrySession, type Credentials } from './registry-session.js';

export interface CloudRegistryOptions {
  /** HOST:PORT, every one the registry goes by; it is reached at the first. */
  readonly addresses: readonly string[];
  /** Its authority, PEM. */
  readonly ca: string;
}

/** Layers that are fetched and unpacked at the same time, for all engines of this process. */
const mostAtOnce = 2;

/** The cloud's own registry, as the simulated engines reach it. */
export class CloudRegistry {
  private readonly line: RegistryLine;
  private readonly hosts: ReadonlySet<string>;
  private busy = 0;
  private readonly waiting: (() => void)[] = [];

  /** @throws TypeError for an address that is none */
  constructor({ addresses, ca }: CloudRegistryOptions) {
    this.line = new RegistryLine(addresses[0]!, ca);
    const loopback = addresses.flatMap((at) =>
      at.startsWith('127.') ? [at.replace(/^[^:]+/, 'localhost')] : [],
    );
    this.hosts = new Set([...addresses, ...loopback].map((address) => address.toLowerCase()));
  }

  /** Whether a reference's host means this registry. */
  readonly serves = (host: string): boolean => this.hosts.has(host.toLowerCase());

  /** @param scopes such as `repository:NAME:pull` */
  session(credentials: Credentials | null, scopes: readonly string[], gone: AbortSignal): RegistrySession {
    return new RegistrySession(this.line, this.serves, credentials, scopes, gone);
  }

  /** `docker login`. @throws DockerError 401 for who is not let in, 500 */
  async login(host: string, credentials: Credentials, gone: AbortSignal): Promise<void> {
    try {
      const answer = await this.session(credentials, [], gone).ask({ method: 'GET', path: '/v2/' }, [200]);
      await textOf(answer, 64 * 1024);
    } catch (error) {
      if (error instanceof RegistryRefusal)
        throw new DockerError(
          error.status < 500 ? 401 : 500,
          error.message.startsWith('Get') ? error.message : `Get "https://${host}/v2/": ${error.message}`,
        );
      if (error instanceof LineError) throw new DockerError(500, error.message);
      throw error;
    }
  }

  /** Runs it when there is room. */
  async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.busy >= mostAtOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.busy++;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.busy--;
    }
  }
}

/** `X-Registry-Auth`, or one entry of `X-Registry-Config`: null where nobody is named. */
export function credentialsOf(said: unknown): Credentials | null {
  if (typeof said !== 'object' || said === null) return null;
  const { username, password, identitytoken, auth } = said as Record<string, unknown>;
  if (typeof auth === 'string' && auth !== '' && !username) {
    const [name = '', ...rest] = Buffer.from(auth, 'base64').toString().split(':');
    return { username: name, password: rest.join(':') };
  }
  const secret = password || identitytoken;
  if (typeof secret !== 'string' || secret === '') return null;
  return { username: typeof username === 'string' && username !== '' ? username : 'token', password: secret };
}

/** A header's JSON, base64 in either alphabet; null for what is none, as dockerd takes it. */
export function headerJson(text: string | string[] | undefined): unknown {
  if (typeof text !== 'string' || text === '') return null;
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString()) as unknown;
  } catch {
    return null;
  }
}
