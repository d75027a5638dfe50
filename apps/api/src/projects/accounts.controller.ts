import { Body, Controller, Get, Inject, Param, Patch, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { InstanceId } from '@bellows/domain/ids';
import { isRefusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import type { Quota } from '@bellows/operations/ports/rows';
import { quotaSeenBy, setQuota } from '@bellows/operations/quota/set';
import { lacksRole, listScope } from '@bellows/operations/views/visible';
import { Asked } from '../http/asked.js';
import { Lists, Mutates, Reads } from '../http/documented.js';
import { pageAsk, paged, ProjectPageQuery } from '../http/pages.js';
import { as, asQuery } from '../http/parse.js';
import { sendMutation, sendRefusal, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { QuotaBody, UsageQuery } from './project.bodies.js';
import { auditView, AuditView, quotaView, QuotaView, usageView, UsageView } from './project.views.js';

/** What a project may use, has used, and who changed what. */
@ApiTags('accounts')
@ApiBearerAuth()
@Controller('v1')
export class AccountsController {
  constructor(@Inject(CLOUD) private readonly cloud: Cloud) {}

  @Get('quotas')
  @Lists('Quotas of the projects this token sees', QuotaView)
  async quotas(
    @Asked() ask: Ask,
    @Query(asQuery(ProjectPageQuery)) query: ProjectPageQuery,
    @Res() reply: FastifyReply,
  ) {
    const scope = listScope(ask.principal, query.project);
    if (isRefusal(scope)) return sendRefusal(reply, scope);
    if (scope.projectId) {
      const quota = await quotaSeenBy(this.cloud, ask, scope.projectId);
      return sendView(reply, isRefusal(quota) ? quota : { items: [quotaView(quota)], nextCursor: null });
    }
    const page = await paged(this.cloud.store.projects(pageAsk(query)), ({ id }) => id);
    if (isRefusal(page)) return sendRefusal(reply, page);
    const quotas = await Promise.all(page.items.map((id) => this.cloud.store.quota(id)));
    const known = quotas.filter((quota): quota is Quota => quota !== null);
    sendView(reply, { items: known.map(quotaView), nextCursor: page.nextCursor });
  }

  @Get('quotas/:id')
  @Reads("One project's quota, by the project's id", QuotaView)
  async quota(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    const quota = await quotaSeenBy(this.cloud, ask, id);
    sendView(reply, isRefusal(quota) ? quota : quotaView(quota));
  }

  @Patch('quotas/:id')
  @Mutates('Change the limits of a project; admins only', 200, QuotaView)
  async setQuota(
    @Asked() ask: Ask,
    @Param('id') id: string,
    @Body(as(QuotaBody)) body: QuotaBody,
    @Res() reply: FastifyReply,
  ) {
    const answer = (quota: Quota) => ({ status: 200, body: quotaView(quota) });
    await sendMutation(reply, this.cloud, ask, await setQuota(this.cloud, ask, id, body, answer));
  }

  @Get('usage')
  @Lists('Stretches of time at one size, as they are billed', UsageView)
  async usage(@Asked() ask: Ask, @Query(asQuery(UsageQuery)) query: UsageQuery, @Res() reply: FastifyReply) {
    const scope = listScope(ask.principal, query.project);
    if (isRefusal(scope)) return sendRefusal(reply, scope);
    const { instance, from, until } = query;
    const page = this.cloud.store.usage({
      ...pageAsk(query),
      ...scope,
      instanceId: instance as InstanceId | undefined,
      from: from === undefined ? undefined : Date.parse(from),
      until: until === undefined ? undefined : Date.parse(until),
    });
    sendView(reply, await paged(page, usageView(this.cloud.clock.now())));
  }

  @Get('audit')
  @Lists('Who changed what, newest first; owners and admins', AuditView)
  async audit(
    @Asked() ask: Ask,
    @Query(asQuery(ProjectPageQuery)) query: ProjectPageQuery,
    @Res() reply: FastifyReply,
  ) {
    const scope = lacksRole(ask.principal, 'owner') ?? listScope(ask.principal, query.project);
    if (isRefusal(scope)) return sendRefusal(reply, scope);
    sendView(reply, await paged(this.cloud.store.audit({ ...pageAsk(query), ...scope }), auditView));
  }
}
