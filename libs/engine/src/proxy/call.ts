import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { cleanAnswer } from './answer.js';
import { askOn, cut } from './ask.js';
import type { Ended, Exchange } from './exchange.js';
import { pump } from './pace.js';
import { codeHeader, unreachable } from './problem.js';
import { linger, replyProblem } from './reply.js';

const bodiless = new Set([204, 304]);

/** Sends the head of an answer on, cleaned, at once: `wait` and `events` are heads long before they are bodies. */
export function sendHead(
  { request, sign }: Exchange,
  answer: IncomingMessage,
  outgoing: ServerResponse,
): boolean {
  const status = answer.statusCode ?? 0;
  const hasBody = request.method !== 'HEAD' && !bodiless.has(status);
  const head = cleanAnswer({ status, rawHeaders: answer.rawHeaders, hasBody });
  // 101 where nobody asked for it.
  if (!head || head.status === 101) return false;
  const signed = sign?.(status, answer.rawHeaders) ?? [];
  outgoing.writeHead(status, STATUS_CODES[status] ?? '', [...head.headers, ...signed].flat());
  flushSoon(answer, outgoing);
  return true;
}

/** With the first of the body when that has come already: one packet, and one waking up of whoever reads it. */
function flushSoon(answer: IncomingMessage, outgoing: ServerResponse): void {
  const flushing = setImmediate(() => {
    if (!outgoing.writableEnded && !outgoing.destroyed) outgoing.flushHeaders();
  });
  for (const event of ['data', 'end', 'close']) answer.once(event, () => clearImmediate(flushing));
}

export const badAnswer = 'The container engine sent an answer that is not HTTP as it should be.';

/** One request, one answer. */
export function carryCall(
  exchange: Exchange,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  far: Duplex,
): Promise<Ended> {
  return new Promise((resolve) => {
    const asked = askOn(far, exchange.request);
    let over = false;
    let answer: IncomingMessage | null = null;
    const end = (how: Ended['how'], why?: string): void => {
      if (over) return;
      over = true;
      incoming.unpipe(asked);
      asked.destroy();
      cut(far);
      linger(incoming);
      resolve({ how, status: outgoing.headersSent ? outgoing.statusCode : null, why });
    };
    const fail = (why: string): void => {
      if (over) return;
      if (outgoing.headersSent) outgoing.destroy();
      else replyProblem(outgoing, unreachable(why), [[codeHeader, 'engine-unreachable']]);
      end('failed', why);
    };
    const lost = (error?: Error): void => {
      // What has answered in full may go: the rest is between us and the caller.
      if (!answer?.complete) fail(`The container engine cannot be reached: ${saidOf(error)}.`);
    };
    for (const side of [incoming, outgoing]) side.on('error', () => end('gone'));
    outgoing.on('close', () => end(outgoing.writableFinished ? 'done' : 'gone'));
    far.on('error', lost).on('close', () => lost());
    asked.on('error', (error) => (isNotHttp(error) ? fail(badAnswer) : lost(error)));
    asked.on('upgrade', () => fail(badAnswer));
    asked.on('response', (came: IncomingMessage) => {
      came.on('error', lost);
      if (over || !sendHead(exchange, came, outgoing)) return fail(badAnswer);
      answer = came;
      pump(answer, outgoing, exchange.pace);
    });
    if (outgoing.closed || outgoing.destroyed) return end('gone');
    asked.flushHeaders();
    if (exchange.request.bodyBytes === 0) asked.end();
    else incoming.pipe(asked);
  });
}

/** The parser's own errors. */
export const isNotHttp = (error: NodeJS.ErrnoException): boolean => error.code?.startsWith('HPE_') ?? false;

const saidOf = (error?: Error): string =>
  error === undefined || error.message === 'socket hang up' ? 'the connection was lost' : error.message;
