import { Inject, Injectable, SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from '@bellows/domain/refusal';
import { Authenticator } from '@bellows/operations/token/authenticate';
import { RateLimit } from './rate-limit.js';
import { Refused } from './refused.js';

const OPEN = 'bellows:open';
/** A route for anyone who reaches the port: health and metrics. */
export const Open = () => SetMetadata(OPEN, true);

const bearer = /^bearer +([\x21-\x7e]{1,512}) *$/i;

/** The secret of the Authorization header; null when there is none that could be a token. */
export const bearerOf = ({ headers }: Pick<FastifyRequest, 'headers'>): string | null =>
  bearer.exec(headers.authorization ?? '')?.[1] ?? null;

/** Who asks, and not too often: sets `request.principal`, or refuses. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Inject(RateLimit) private readonly limit: RateLimit,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.get<boolean | undefined>(OPEN, context.getClass())) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const secret = bearerOf(request);
    const principal = secret === null ? null : await this.authenticator.principal(secret);
    this.count(principal?.actor ?? `ip ${request.ip}`, http.getResponse<FastifyReply>());
    if (!principal) {
      throw new Refused(refuse('unauthorized', 'Send a valid token: Authorization: Bearer …'));
    }
    request.principal = principal;
    return true;
  }

  private count(who: string, reply: FastifyReply): void {
    if (this.limit.off) return;
    const { allowed, limit, remaining, resetSeconds } = this.limit.take(who);
    void reply.headers({
      'ratelimit-limit': limit,
      'ratelimit-remaining': remaining,
      'ratelimit-reset': resetSeconds,
    });
    if (!allowed) throw new Refused(refuse('rate-limited', `At most ${limit} requests a second.`, { limit }));
  }
}
