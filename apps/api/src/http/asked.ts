import { createHash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { refuse } from '@bellows/domain/refusal';
import type { Ask } from '@bellows/operations/cloud';
import type { IdempotencyScope } from '@bellows/operations/ports/store';
import type { FastifyRequest } from 'fastify';
import { Refused } from './refused.js';

const invalid = (detail: string) => new Refused(refuse('invalid', detail));

/** Printable ASCII, 1 to 255 characters. */
const keyForm = /^[\x20-\x7e]{1,255}$/;

function idempotencyOf(request: FastifyRequest, scope: string): IdempotencyScope | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !keyForm.test(key)) {
    throw invalid('Idempotency-Key must be one value of 1 to 255 printable ASCII characters.');
  }
  const requestHash = createHash('sha256')
    .update(`${request.method} ${request.url}\n${JSON.stringify(request.body ?? null)}`)
    .digest('hex');
  return { scope, key, requestHash };
}

export function askOf(request: FastifyRequest): Ask {
  const { principal } = request;
  if (!principal) throw new Refused(refuse('unauthorized', 'Send a token: Authorization: Bearer …'));
  const reads = request.method === 'GET' || request.method === 'HEAD';
  return {
    principal,
    requestId: request.id,
    idempotency: reads ? null : idempotencyOf(request, principal.projectId ?? 'admin'),
  };
}

/** Who asks, under which request id and with which idempotency key. */
export const Asked = createParamDecorator((_: unknown, context: ExecutionContext) =>
  askOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** `"7"` is version 7; `*` and no header at all are any version (null). */
export function versionOf(header: string | undefined): number | null {
  if (header === undefined || header.trim() === '*') return null;
  const match = /^"(\d{1,15})"$/.exec(header.trim());
  if (match) return Number(match[1]);
  // A tag we never gave out cannot match; one we cannot read is a mistake.
  if (/^(W\/)?"[^"]*"$/.test(header.trim())) {
    throw new Refused(refuse('precondition', 'The resource has another version than If-Match names.'));
  }
  throw invalid('If-Match must be one entity tag, such as "7", or *.');
}

export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext) =>
  versionOf(context.switchToHttp().getRequest<FastifyRequest>().headers['if-match']),
);

export const etagOf = (version: number): string => `"${version}"`;
