import { randomBytes } from 'node:crypto';
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import type { StoredAnswer } from '@bellows/operations/ports/store';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { issueToken } from '@bellows/operations/token/issue';
import { revokeToken } from '@bellows/operations/token/revoke';
import { seal, unseal } from '@bellows/operations/token/sealed';
import { secretOf } from '@bellows/operations/token/secret';
import { lacksRole, listScope } from '@bellows/operations/views/visible';
import { Asked } from '../http/asked.js';
import { bearerOf } from '../http/auth.guard.js';
import { Lists, Mutates } from '../http/documented.js';
import { pageAsk, paged, ProjectPageQuery } from '../http/pages.js';
import { as, asQuery } from '../http/parse.js';
import { sendMutation, sendRefusal, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { TokenBody } from './project.bodies.js';
import { IssuedTokenView, tokenView, TokenView } from './project.views.js';

@ApiTags('tokens')
@ApiBearerAuth()
@Controller('v1/tokens')
export class TokensController {
  constructor(@Inject(CLOUD) private readonly cloud: Cloud) {}

  @Get()
  @Lists('Tokens, without their secrets; owners and admins', TokenView)
  async list(
    @Asked() ask: Ask,
    @Query(asQuery(ProjectPageQuery)) query: ProjectPageQuery,
    @Res() reply: FastifyReply,
  ) {
    const scope = lacksRole(ask.principal, 'owner') ?? listScope(ask.principal, query.project);
    if (isRefusal(scope)) return sendRefusal(reply, scope);
    sendView(reply, await paged(this.cloud.store.tokens({ ...pageAsk(query), ...scope }), tokenView));
  }

  @Post()
  @HttpCode(201)
  @Mutates('Issue a token; its secret is shown this once; owners and admins', 201, IssuedTokenView)
  async issue(
    @Asked() ask: Ask,
    @Req() request: FastifyRequest,
    @Body(as(TokenBody)) { expiresAt, ...body }: TokenBody,
    @Res() reply: FastifyReply,
  ) {
    const wanted = { ...body, ...(expiresAt !== undefined && { expiresAt: Date.parse(expiresAt) }) };
    const secret = secretOf(randomBytes);
    const key = ask.idempotency?.key;
    // An answer that is kept holds no readable secret.
    const kept = key === undefined ? secret : seal(secret, bearerOf(request) ?? '', key);
    const result = await issueToken(this.cloud, ask, wanted, secret, (token) => ({
      status: 201,
      body: { ...tokenView(token), token: kept },
      headers: { 'cache-control': 'no-store' },
    }));
    if (isRefusal(result)) return sendRefusal(reply, result);
    const answer = key === undefined ? result : opened(result, bearerOf(request), key);
    await sendMutation(reply, this.cloud, ask, answer);
  }

  @Delete(':id')
  @HttpCode(204)
  @Mutates('Revoke a token; it is refused within 5 seconds', 204)
  async revoke(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    await sendMutation(reply, this.cloud, ask, await revokeToken(this.cloud, ask, id));
  }
}

function opened(answer: StoredAnswer, bearer: string | null, key: string): StoredAnswer | Refusal {
  const body = answer.body as IssuedTokenView;
  const token = unseal(body.token, bearer ?? '', key);
  if (token !== null) return { ...answer, body: { ...body, token } };
  return refuse('idempotency-mismatch', 'This Idempotency-Key was used before, with another token.');
}
