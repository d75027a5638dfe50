import type { IncomingMessage } from 'node:http';
import { isRecord } from '../containers/config.js';
import { goMethod, LineError, textOf, type Asked, type RegistryLine } from './registry-line.js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A registry's refusal: its first error as the distribution specification writes it. */
export class RegistryRefusal extends Error {
  override readonly name = 'RegistryRefusal';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    // As distribution's errcode.Error prints itself.
    super(`${code.toLowerCase().replaceAll('_', ' ')}: ${message}`);
  }

  /** Refused before the request itself was made, as Go prints it. */
  of({ method, path }: Asked, address: string): RegistryRefusal {
    const refusal = new RegistryRefusal(this.status, this.code, '');
    refusal.message = `${goMethod(method)} "https://${address}${path}": ${this.message}`;
    return refusal;
  }
}

const answerBytes = 256 * 1024;

/** One client's way through the token protocol (distribution, "Token Authentication Specification"). */
export class RegistrySession {
  private token: string | null = null;

  constructor(
    private readonly line: RegistryLine,
    private readonly serves: (host: string) => boolean,
    private readonly credentials: Credentials | null,
    private readonly scopes: readonly string[],
    private readonly gone: AbortSignal,
  ) {}

  /** The answer of one of the wanted statuses. @throws RegistryRefusal for every other, LineError */
  async ask(asked: Asked, wanted: readonly number[]): Promise<IncomingMessage> {
    let answer = await this.once(asked);
    if (answer.statusCode === 401) {
      const challenge = challengeOf(answer);
      // A token that was refused is not asked for again with the same words.
      const stale = this.token === null || challenge.get('error') === 'invalid_token';
      if (challenge.has('realm') && stale) {
        answer.destroy();
        this.token = await this.fetchToken(challenge).catch((error: unknown) => {
          throw error instanceof RegistryRefusal ? error.of(asked, this.line.address) : error;
        });
        answer = await this.once(asked);
      }
    }
    if (wanted.includes(answer.statusCode ?? 0)) return answer;
    throw await refusalOf(answer);
  }

  private once(asked: Asked): Promise<IncomingMessage> {
    const headers = { ...asked.headers, ...(this.token && { authorization: `Bearer ${this.token}` }) };
    return this.line.ask({ ...asked, headers }, this.gone);
  }

  private async fetchToken(challenge: ReadonlyMap<string, string>): Promise<string> {
    const realm = URL.parse(challenge.get('realm') ?? '');
    // Credentials go to the registry itself, whatever it says.
    if (!realm || realm.protocol !== 'https:' || !this.serves(realm.host))
      throw new LineError('the registry sends its clients to another host for a token');
    const query = new URLSearchParams({ service: challenge.get('service') ?? '' });
    for (const scope of this.scopes) query.append('scope', scope);
    const { username = '', password = '' } = this.credentials ?? {};
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const headers = { ...(this.credentials && { authorization: basic }) };
    const path = `${realm.pathname}?${query.toString()}`;
    const answer = await this.line.ask({ method: 'GET', path, headers }, this.gone);
    if (answer.statusCode !== 200) throw await refusalOf(answer);
    const said = jsonOf(await textOf(answer, answerBytes));
    const token = said['token'] ?? said['access_token'];
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
      throw new LineError('authorization server did not include a token in the response');
    return token;
  }
}

function challengeOf({ headers }: IncomingMessage): Map<string, string> {
  const said = headers['www-authenticate'] ?? '';
  if (!/^bearer /i.test(said)) return new Map();
  return new Map([...said.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

async function refusalOf(answer: IncomingMessage): Promise<RegistryRefusal> {
  const status = answer.statusCode ?? 0;
  const why = challengeOf(answer).get('error');
  const body = await textOf(answer, answerBytes).catch(() => Buffer.alloc(0));
  if (why === 'insufficient_scope')
    return new RegistryRefusal(status, 'DENIED', 'requested access to the resource is denied');
  const errors = jsonOf(body)['errors'];
  const first: unknown = Array.isArray(errors) ? errors[0] : null;
  if (isRecord(first) && typeof first['code'] === 'string')
    return new RegistryRefusal(status, first['code'], String(first['message'] ?? '').slice(0, 1000));
  if (status === 401) return new RegistryRefusal(status, 'UNAUTHORIZED', 'authentication required');
  return new RegistryRefusal(status, 'UNKNOWN', `received unexpected HTTP status: ${status}`);
}

function jsonOf(text: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.toString());
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
