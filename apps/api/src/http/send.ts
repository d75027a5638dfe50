import { isRefusal, type Refusal } from '@bellows/domain/refusal';
import { replay, type Ask, type Cloud } from '@bellows/operations/cloud';
import type { StoredAnswer } from '@bellows/operations/ports/store';
import type { FastifyReply } from 'fastify';
import { problemOf } from './problem.js';
import { sendProblem } from './problem.filter.js';

export function sendRefusal(reply: FastifyReply, refusal: Refusal): void {
  const problem = problemOf(refusal);
  reply.problemCode = problem.code;
  sendProblem(reply, problem);
}

/** 200 with the view, or the problem. */
export function sendView(reply: FastifyReply, view: object | Refusal): void {
  if (isRefusal(view)) sendRefusal(reply, view);
  else void reply.status(200).send(view);
}

function sendAnswer(reply: FastifyReply, { status, body, headers }: StoredAnswer): void {
  for (const [name, value] of Object.entries(headers ?? {})) void reply.header(name, value);
  const started = (body as { operation?: { id?: unknown } } | null)?.operation?.id;
  if (typeof started === 'string') reply.operationId = started;
  void reply.status(status).send(body ?? undefined);
}

/**
 * The answer of a mutation. When two requests with one key race, the loser may be refused for what the winner
 * did (`busy`, `conflict`); both must get the winner's answer, which was kept in the winner's own commit.
 */
export async function sendMutation(
  reply: FastifyReply,
  cloud: Cloud,
  ask: Ask,
  result: StoredAnswer | Refusal,
): Promise<void> {
  if (!isRefusal(result)) return sendAnswer(reply, result);
  const kept = result.refused === 'idempotency-mismatch' ? null : await replay(cloud.store, ask.idempotency);
  if (kept && !isRefusal(kept)) return sendAnswer(reply, kept);
  sendRefusal(reply, kept ?? result);
}
