import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** What a refusal says (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly detail: string;
}

const answerWithinMs = 60_000;

/** The stack's own calls of the public API, as the admin. Its own certificate need not be one that Node trusts. */
export class ApiCaller {
  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  async readyStatus(): Promise<number> {
    return (await this.#call('GET', '/readyz')).status;
  }

  /** Null: done. */
  async post(path: string, body: unknown): Promise<Problem | null> {
    const { status, text } = await this.#call('POST', path, JSON.stringify(body));
    return status < 300 ? null : { status, detail: detailOf(status, text) };
  }

  async hostNames(): Promise<Set<string>> {
    const names = new Set<string>();
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
      const { status, text } = await this.#call('GET', `/v1/hosts?limit=500${query}`);
      if (status !== 200) throw new Error(`GET /v1/hosts answered ${status}: ${detailOf(status, text)}`);
      const page = JSON.parse(text) as { items: { name: string }[]; nextCursor: string | null };
      for (const { name } of page.items) names.add(name);
      cursor = page.nextCursor;
    }
    return names;
  }

  #call(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
    const target = new URL(path, this.url);
    const headers = {
      authorization: `Bearer ${this.token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const options = { method, headers, timeout: answerWithinMs, agent: false as const };
    return new Promise((resolve, reject) => {
      const answered = (answer: IncomingMessage) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text })).on('error', reject);
      };
      const call =
        target.protocol === 'https:'
          ? httpsRequest(target, { ...options, rejectUnauthorized: false }, answered)
          : httpRequest(target, options, answered);
      call.on('timeout', () => call.destroy(new Error(`${method} ${path} was not answered`)));
      call.on('error', reject).end(body);
    });
  }
}

function detailOf(status: number, text: string): string {
  try {
    const problem = JSON.parse(text) as { detail?: string; title?: string };
    return problem.detail ?? problem.title ?? `status ${status}`;
  } catch {
    return `status ${status}`;
  }
}
