import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { ApiBasicAuth, ApiBearerAuth, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import type { Cloud, Principal } from '@bellows/operations/cloud';
import { scopesOf } from '@bellows/operations/registry/grants';
import { registryAccess } from '@bellows/operations/registry/token';
import { Authenticator } from '@bellows/operations/token/authenticate';
import { Open } from '../http/auth.guard.js';
import { Reads } from '../http/documented.js';
import { RateLimit } from '../http/rate-limit.js';
import { sendRefusal, sendView } from '../http/send.js';
import { timeOf } from '../http/times.js';
import { CLOUD } from '../provider-names.js';
import { secretOf } from './login.js';
import { RegistryTokenView } from './registry.views.js';
import { REGISTRY, type RegistryParts } from './registry-parts.js';
import { lifetimeSeconds } from './token-signer.js';

/** The token window of the registry: `docker login` and every pull and push come here. Open, for it looks itself. */
@Open()
@ApiTags('registry')
@Controller('v1/registry/token')
export class RegistryTokenController {
  constructor(
    @Inject(CLOUD) private readonly cloud: Cloud,
    @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Inject(RateLimit) private readonly limit: RateLimit,
    @Inject(REGISTRY) private readonly registry: RegistryParts | null,
  ) {}

  @Get()
  @ApiBasicAuth()
  @ApiBearerAuth()
  @ApiQuery({ name: 'service', required: false, type: String })
  @ApiQuery({
    name: 'scope',
    required: false,
    type: String,
    isArray: true,
    example: 'repository:library/python:pull',
  })
  @Reads(
    'A token for the registry (Docker registry token authentication): what was asked for, as far as this token may',
    RegistryTokenView,
  )
  async token(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    void reply.header('cache-control', 'no-store');
    if (!this.registry) return sendRefusal(reply, refuse('not-found', 'This cloud has no registry.'));
    const principal = await this.#principal(request);
    if (isRefusal(principal)) return sendRefusal(reply, principal);
    request.principal = principal;
    const { scope = [] } = request.query as { scope?: string | string[] };
    const asked = scopesOf([scope].flat().filter((text) => typeof text === 'string'));
    const access = await registryAccess(this.cloud, principal, asked, request.id);
    const now = this.cloud.clock.now();
    const token = await this.registry.signer.sign(principal, access, now).catch((error: unknown) => {
      request.log.warn({ err: error }, "the registry's key cannot be read");
      return refuse('unavailable', 'The key of the registry cannot be read.');
    });
    if (isRefusal(token)) return sendRefusal(reply, token);
    const view = { token, access_token: token, expires_in: lifetimeSeconds, issued_at: timeOf(now) };
    sendView(reply, view);
  }

  /** Null: nobody in particular, who may pull what everybody may. */
  async #principal(request: FastifyRequest): Promise<Principal | null | Refusal> {
    const secret = secretOf(request.headers.authorization);
    const known = secret ? await this.authenticator.principal(secret) : null;
    if (!this.limit.off) {
      const { allowed, limit } = this.limit.take(`registry ${known?.actor ?? request.ip}`);
      if (!allowed) return refuse('rate-limited', `At most ${limit} requests a second.`, { limit });
    }
    if (secret === undefined || known) return known;
    return refuse(
      'unauthorized',
      'Log in with a valid token as the password; the user name is of no matter.',
    );
  }
}
