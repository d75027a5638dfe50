import { randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isRefusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { issueToken } from '@bellows/operations/token/issue';
import { revokeToken } from '@bellows/operations/token/revoke';
import { secretOf } from '@bellows/operations/token/secret';
import { lacksRole, listScope } from '@bellows/operations/views/visible';
import { Asked } from '../http/asked.js';
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
  async issue(@Asked() ask: Ask, @Body(as(TokenBody)) body: TokenBody, @Res() reply: FastifyReply) {
    const { expiresAt, ...rest } = body;
    const wanted = { ...rest, ...(expiresAt !== undefined && { expiresAt: Date.parse(expiresAt) }) };
    const secret = secretOf(randomBytes);
    const result = await issueToken(this.cloud, ask, wanted, secret, (token) => ({
      status: 201,
      body: { ...tokenView(token), token: secret },
      headers: { 'cache-control': 'no-store' },
    }));
    await sendMutation(reply, this.cloud, ask, result);
  }

  @Delete(':id')
  @HttpCode(204)
  @Mutates('Revoke a token; it is refused within 5 seconds', 204)
  async revoke(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    await sendMutation(reply, this.cloud, ask, await revokeToken(this.cloud, ask, id));
  }
}
