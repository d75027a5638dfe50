import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { refusal, Refused, type RegistryCode } from './refusal.js';
import type { Exchange } from './upstream.js';

const answerWithinMs = 15_000;
const longestAnswer = 256 * 1024;
const codes: Readonly<Record<number, RegistryCode>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  429: 'TOOMANYREQUESTS',
};

/** Hands the question of who may do what on to the API, which alone knows tokens and projects. */
export class TokenWindow {
  constructor(private readonly apiUrl: () => Promise<string | null>) {}

  /** @throws Refused */
  async serve({ incoming, outgoing }: Exchange): Promise<void> {
    if (incoming.method !== 'GET') {
      // Some clients try OAuth first, and this when they hear that.
      throw new Refused(refusal(405, 'UNSUPPORTED', 'Tokens are got with GET.', { allow: 'GET' }));
    }
    const url = await this.apiUrl();
    const answer = url === null ? null : await this.#ask(url, incoming).catch(() => null);
    if (!answer) {
      throw new Refused(
        refusal(503, 'UNAVAILABLE', 'The API does not answer; try again.', { 'retry-after': '2' }),
      );
    }
    if (answer.status !== 200) throw new Refused(refusedBy(answer));
    outgoing
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(answer.text),
        'cache-control': 'no-store',
      })
      .end(answer.text);
  }

  async #ask(url: string, incoming: IncomingMessage): Promise<{ status: number; text: string }> {
    const query = new URLSearchParams((incoming.url ?? '').split('?')[1] ?? '');
    const asked = new URLSearchParams();
    for (const name of ['service', 'scope']) for (const text of query.getAll(name)) asked.append(name, text);
    const target = new URL(`/v1/registry/token?${asked.toString()}`, url);
    const { authorization } = incoming.headers;
    const headers = { ...(authorization && { authorization }) };
    const options = { headers, agent: false as const, timeout: answerWithinMs };
    return new Promise((resolve, reject) => {
      const answered = (answer: IncomingMessage) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          if (text.length > longestAnswer) answer.destroy(new Error('the answer is too long'));
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text })).on('error', reject);
      };
      // On this machine; its certificate need not be one that Node trusts.
      const call =
        target.protocol === 'https:'
          ? httpsRequest(target, { ...options, rejectUnauthorized: false }, answered)
          : httpRequest(target, options, answered);
      call.on('timeout', () => call.destroy(new Error('no answer'))).on('error', reject);
      call.end();
    });
  }
}

function refusedBy({ status, text }: { status: number; text: string }) {
  let detail = 'The token was refused.';
  try {
    detail = (JSON.parse(text) as { detail?: string }).detail ?? detail;
  } catch {
    // Not a problem of ours; the status says enough.
  }
  if (status >= 500) return refusal(503, 'UNAVAILABLE', detail, { 'retry-after': '2' });
  return refusal(status, codes[status] ?? 'UNSUPPORTED', detail);
}
