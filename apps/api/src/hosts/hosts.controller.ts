import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isRefusal } from '@bellows/domain/refusal';
import { nothing } from '@bellows/domain/size';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { cordonHost, findHost, removeHost, type HostAction } from '@bellows/operations/host/change';
import { enrolHost, type ModelledServers } from '@bellows/operations/host/enrol';
import type { Host } from '@bellows/operations/ports/rows';
import { lacksRole, nothingThere } from '@bellows/operations/views/visible';
import { Asked } from '../http/asked.js';
import { Lists, Mutates, Reads } from '../http/documented.js';
import { pageAsk, paged } from '../http/pages.js';
import { as, asQuery } from '../http/parse.js';
import { sendMutation, sendRefusal, sendView } from '../http/send.js';
import { CLOUD, MODELLED_SERVERS } from '../provider-names.js';
import { EnrolHostBody, HostQuery } from './host.bodies.js';
import { hostView, HostView } from './host.view.js';

const actions: readonly HostAction[] = ['cordon', 'uncordon'];

@ApiTags('hosts')
@ApiBearerAuth()
@Controller('v1/hosts')
export class HostsController {
  constructor(
    @Inject(CLOUD) private readonly cloud: Cloud,
    @Inject(MODELLED_SERVERS) private readonly servers: ModelledServers | null,
  ) {}

  @Get()
  @Lists('Physical servers', HostView)
  async list(@Asked() ask: Ask, @Query(asQuery(HostQuery)) query: HostQuery, @Res() reply: FastifyReply) {
    const refused = lacksRole(ask.principal, 'admin');
    if (refused) return sendRefusal(reply, refused);
    const { zone, state } = query;
    const page = await paged(this.cloud.store.hosts({ ...pageAsk(query), zone, state }), (host) => host);
    if (isRefusal(page)) return sendRefusal(reply, page);
    const items = await Promise.all(page.items.map((host) => this.withHeld(host)));
    sendView(reply, { ...page, items });
  }

  @Get(':id')
  @Reads('One physical server', HostView)
  async read(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    const host = lacksRole(ask.principal, 'admin') ?? (await findHost(this.cloud, id));
    if (isRefusal(host)) return sendRefusal(reply, host);
    sendView(reply, await this.withHeld(host));
  }

  private async withHeld(host: Host): Promise<HostView> {
    return hostView(host, await this.cloud.store.heldOnHost(host.id));
  }

  @Post()
  @HttpCode(201)
  @Mutates('Enrol a physical server', 201, HostView)
  async enrol(@Asked() ask: Ask, @Body(as(EnrolHostBody)) body: EnrolHostBody, @Res() reply: FastifyReply) {
    const result = await enrolHost(this.cloud, this.servers, ask, body, (host) => ({
      status: 201,
      body: hostView(host, nothing),
      headers: { location: `/v1/hosts/${host.id}` },
    }));
    await sendMutation(reply, this.cloud, ask, result);
  }

  @Post(':id/actions/:action')
  @HttpCode(200)
  @ApiParam({ name: 'action', enum: [...actions] })
  @Mutates('Stop or resume placing instances on it', 200, HostView)
  async act(
    @Asked() ask: Ask,
    @Param('id') id: string,
    @Param('action') action: HostAction,
    @Res() reply: FastifyReply,
  ) {
    if (!actions.includes(action)) return sendRefusal(reply, nothingThere('action'));
    const found = lacksRole(ask.principal, 'admin') ?? (await findHost(this.cloud, id));
    if (isRefusal(found)) return sendRefusal(reply, found);
    const held = await this.cloud.store.heldOnHost(found.id);
    const answer = (host: Host) => ({ status: 200, body: hostView(host, held) });
    const result = await cordonHost(this.cloud, ask, id, action, answer);
    await sendMutation(reply, this.cloud, ask, result);
  }

  @Delete(':id')
  @HttpCode(204)
  @Mutates('Forget a server without instances', 204)
  async remove(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    await sendMutation(reply, this.cloud, ask, await removeHost(this.cloud, ask, id));
  }
}
