import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import './request-context.js';
import { refuse } from '@bellows/domain/refusal';
import { ImagesUnavailableError } from '@bellows/operations/ports/images';
import { BadCursorError, StoreUnavailableError } from '@bellows/operations/ports/store-errors';
import { problemOf, protocolProblem, retryAfterOf, type Problem } from './problem.js';
import { Refused } from './refused.js';

const protocolCodes: Readonly<Record<number, [code: string, title: string]>> = {
  400: ['invalid', 'The request cannot be understood'],
  408: ['timeout', 'The request took too long to arrive'],
  413: ['too-large', 'The request body is too large'],
  414: ['invalid', 'The address is too long'],
  415: ['unsupported-media-type', 'The body must be application/json'],
  417: ['invalid', 'The expectation cannot be met'],
  431: ['invalid', 'The request headers are too large'],
};

const statusOf = (error: unknown): number | undefined => {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
};

/** The problem an error stands for; null when it is nobody's fault but ours. */
export function problemFor(error: unknown): Problem | null {
  if (error instanceof Refused) return problemOf(error.refusal);
  if (error instanceof BadCursorError) return problemOf(refuse('invalid', 'The cursor is not one of ours.'));
  const status = statusOf(error);
  const known = status === undefined ? undefined : protocolCodes[status];
  if (known && status !== undefined) {
    return protocolProblem(status, known[1], known[0], (error as Error).message);
  }
  if (status !== undefined && status >= 400 && status < 500) {
    return protocolProblem(status, 'The request was refused', 'invalid', (error as Error).message);
  }
  if (error instanceof ImagesUnavailableError) {
    return problemOf(
      refuse('unavailable', 'The registry does not answer, or gives back space just now. Try again.'),
    );
  }
  if (!(error instanceof StoreUnavailableError)) return null;
  return problemOf(refuse('unavailable', 'The database does not answer; nothing was written. Try again.'));
}

const internal = protocolProblem(
  500,
  'Something broke on our side',
  'internal',
  'The failure is in the log, under the request id of this answer.',
);

export function sendProblem(reply: FastifyReply, problem: Problem): void {
  const seconds = retryAfterOf(problem.code);
  if (seconds !== undefined) void reply.header('retry-after', String(seconds));
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  void reply
    .status(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}

/** The one place where an error becomes an answer. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    answerError(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (reply.sent) return;
  const problem = statusOf(error) === 404 ? unknownRoute(request, reply) : problemFor(error);
  if (problem === null) request.log.error({ err: error }, 'a request failed');
  else if (problem.status === 503) request.log.warn({ err: error }, 'a request found a dependency down');
  reply.problemCode = (problem ?? internal).code;
  sendProblem(reply, problem ?? internal);
}

/** Only the router says 404 by throwing: use cases refuse. */
function unknownRoute(request: FastifyRequest, reply: FastifyReply): Problem {
  const methods = request.server.routes.methodsOf(request.url.split('?', 1)[0]!);
  if (methods.length === 0) return protocolProblem(404, 'Not found', 'not-found', 'There is no such route.');
  void reply.header('allow', methods.join(', '));
  const title = 'The resource does not know this method';
  return protocolProblem(405, title, 'method-not-allowed', `It knows ${methods.join(', ')}.`);
}
