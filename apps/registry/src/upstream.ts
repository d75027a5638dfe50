import { request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { unresolvedRealm } from './distribution.js';
import { refusal, Refused } from './refusal.js';

export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** `https://HOST:PORT` by which the client came. */
  readonly origin: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** What the registry is told of a request; all else is the client's own affair. */
const passedOn = new Set([
  'accept',
  'content-range',
  'content-type',
  'if-modified-since',
  'if-none-match',
  'range',
  'user-agent',
]);
const hopByHop = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|server|date)$/;

const away = refusal(503, 'UNAVAILABLE', 'The registry does not answer; try again.', { 'retry-after': '2' });

/**
 * Carries one exchange to the registry behind us, a connection for each, at the pace of the slower side.
 * @param body what the request's body goes through; null: none is passed on.
 * @returns what was answered, after all of it was. @throws Refused when nothing was answered yet.
 */
export async function carry(
  { incoming, outgoing, origin }: Exchange,
  socketPath: string,
  body: Transform | null,
): Promise<Answered> {
  const call = request({
    socketPath,
    agent: false,
    method: incoming.method,
    path: incoming.url,
    headers: requestHeaders(incoming, origin, body !== null),
  });
  const gone = (): void => void call.destroy();
  outgoing.once('close', gone);
  try {
    const answer = await answerOf(call, incoming, body);
    outgoing.writeHead(answer.statusCode!, answerHeaders(answer.headers, origin));
    await pipeline(answer, outgoing);
    return { status: answer.statusCode!, headers: answer.headers };
  } finally {
    outgoing.off('close', gone);
    call.destroy();
  }
}

async function answerOf(
  call: ReturnType<typeof request>,
  incoming: IncomingMessage,
  body: Transform | null,
): Promise<IncomingMessage> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    call.once('response', resolve).once('error', (error) => {
      const lost = 'code' in error && /^E(CONNREFUSED|NOENT|PIPE|CONNRESET)$/.test(String(error.code));
      reject(lost ? new Refused(away) : error);
    });
  });
  answered.catch(() => undefined);
  if (body === null) {
    call.end();
    return answered;
  }
  const sent = pipeline(incoming, body, call);
  // An early answer is an answer: the registry may refuse before it has read all.
  const failed = sent.then(
    () => answered,
    (error: unknown) => {
      if (error instanceof Refused) throw error;
      return answered;
    },
  );
  return Promise.race([answered, failed]);
}

function requestHeaders(
  { headers }: IncomingMessage,
  origin: string,
  withBody: boolean,
): Record<string, string> {
  const { host } = new URL(origin);
  const passed: Record<string, string> = {
    host,
    'x-forwarded-proto': 'https',
    'x-forwarded-host': origin.slice('https://'.length),
  };
  for (const [name, value] of Object.entries(headers)) {
    if (passedOn.has(name) && typeof value === 'string') passed[name] = value;
  }
  // A password is for the token window alone.
  if (/^bearer /i.test(headers.authorization ?? '')) passed['authorization'] = headers.authorization!;
  const length = headers['content-length'];
  if (!withBody) passed['content-length'] = '0';
  else if (length !== undefined) passed['content-length'] = length;
  return passed;
}

function answerHeaders(headers: IncomingHttpHeaders, origin: string): Record<string, string | string[]> {
  const sent: Record<string, string | string[]> = {
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
  };
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !hopByHop.test(name)) sent[name] = value;
  }
  const challenge = headers['www-authenticate'];
  if (challenge) sent['www-authenticate'] = challenge.replace(unresolvedRealm, `${origin}/token`);
  return sent;
}
