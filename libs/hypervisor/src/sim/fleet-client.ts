import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import { HostUnreachableError } from '@bellows/operations/ports/driver-errors';
import { errorOf } from './fleet-protocol.js';

export interface FleetAddress {
  /** `http://HOST:PORT`, or `unix:PATH`. */
  readonly url: string;
  /** Shared with the fleet process. */
  readonly secret: string;
}

const mostAnswerBytes = 64 * 1024 * 1024;

/** The HTTP client of the fleet process: connections kept alive, one silent retry when a connection is lost. */
export class FleetClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256, scheduling: 'fifo' });
  private readonly target: RequestOptions;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(address: FleetAddress) {
    this.target = { ...targetOf(address.url), agent: this.agent };
    this.headers = { authorization: `Bearer ${address.secret}`, 'content-type': 'application/json' };
  }

  /**
   * @param timeoutMs how long to wait for the answer, in all.
   * @returns the parsed answer, undefined for an empty one.
   * @throws what the fleet refused with, or HostUnreachableError.
   */
  async call<Value>(method: string, path: string, body: unknown, timeoutMs: number): Promise<Value> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const endsAt = performance.now() + timeoutMs;
    for (let attempt = 1; ; attempt++) {
      try {
        const left = Math.max(1, endsAt - performance.now());
        const { status, answer } = await this.once(method, path, text, left);
        if (status >= 400) throw errorOf(status, answer);
        return (answer === '' ? undefined : JSON.parse(answer)) as Value;
      } catch (error) {
        // A kept-alive connection may close just as it is used. All verbs are ensures: once more does no harm.
        if (!isLostConnection(error)) throw error;
        const left = endsAt - performance.now();
        if (attempt > 1 || left < 100) throw unreachable(path, error);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Opens an endless answer. `onEnd` is called once, however it ends. */
  stream(path: string, onText: (text: string) => void, onEnd: () => void): { close(): void } {
    let ended = false;
    const end = () => {
      if (!ended) onEnd();
      ended = true;
    };
    const outgoing = request({ ...this.target, agent: false, path, headers: this.headers }, (answer) => {
      answer.setEncoding('utf8').on('data', onText).on('close', end).on('error', end);
    });
    outgoing.on('error', end).on('close', end).end();
    return { close: () => outgoing.destroy() };
  }

  close(): void {
    this.agent.destroy();
  }

  private once(method: string, path: string, text: string, timeoutMs: number) {
    return new Promise<{ status: number; answer: string }>((resolve, reject) => {
      const headers = { ...this.headers, 'content-length': Buffer.byteLength(text) };
      const outgoing = request({ ...this.target, method, path, headers }, (answer) => {
        readAll(answer).then((read) => resolve({ status: answer.statusCode ?? 0, answer: read }), reject);
      });
      const timer = setTimeout(() => {
        outgoing.destroy(new HostUnreachableError(`${path}: no answer in ${Math.round(timeoutMs)} ms`));
      }, timeoutMs);
      outgoing.on('error', reject).on('close', () => clearTimeout(timer));
      outgoing.end(text);
    });
  }
}

function readAll(answer: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    answer.setEncoding('utf8');
    answer.on('data', (part: string) => {
      text += part;
      if (text.length > mostAnswerBytes) answer.destroy(new HostUnreachableError('the answer has no end'));
    });
    answer.on('end', () => resolve(text)).on('error', reject);
  });
}

export function targetOf(url: string): RequestOptions {
  if (url.startsWith('unix:')) return { socketPath: url.slice('unix:'.length) };
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'http:') throw new TypeError(`a fleet is reached by http: or unix:, not ${protocol}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
}

const lost = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'EAGAIN']);

const isLostConnection = (error: unknown): boolean =>
  lost.has((error as NodeJS.ErrnoException | null)?.code ?? '');

const unreachable = (path: string, cause: unknown): HostUnreachableError =>
  new HostUnreachableError(
    `${path}: the fleet process cannot be reached (${(cause as Error).message || 'lost'})`,
    {
      cause,
    },
  );
