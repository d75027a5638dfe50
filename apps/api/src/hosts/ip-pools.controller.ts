import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isRefusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { Admission } from '@bellows/operations/instance/create';
import { addIpPool, findIpPool, removeIpPool } from '@bellows/operations/ip-pool/change';
import { lacksRole } from '@bellows/operations/views/visible';
import { Asked } from '../http/asked.js';
import { Lists, Mutates, Reads } from '../http/documented.js';
import { NoQuery, whole } from '../http/pages.js';
import { as, asQuery } from '../http/parse.js';
import { sendMutation, sendRefusal, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { IpPoolBody } from './host.bodies.js';
import { ipPoolView, IpPoolView } from './host.view.js';

@ApiTags('ip-pools')
@ApiBearerAuth()
@Controller('v1/ip-pools')
export class IpPoolsController {
  constructor(
    @Inject(CLOUD) private readonly cloud: Cloud,
    @Inject(Admission) private readonly admission: Admission,
  ) {}

  @Get()
  @Lists('Networks that instances get their addresses from', IpPoolView)
  async list(@Asked() ask: Ask, @Query(asQuery(NoQuery)) _query: NoQuery, @Res() reply: FastifyReply) {
    const refused = lacksRole(ask.principal, 'admin');
    if (refused) return sendRefusal(reply, refused);
    sendView(reply, whole(await this.cloud.store.ipPools(), ipPoolView));
  }

  @Get(':id')
  @Reads('One pool', IpPoolView)
  async read(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    const pool = lacksRole(ask.principal, 'admin') ?? (await findIpPool(this.cloud, id));
    sendView(reply, isRefusal(pool) ? pool : ipPoolView(pool));
  }

  @Post()
  @HttpCode(201)
  @Mutates('Add a network', 201, IpPoolView)
  async add(@Asked() ask: Ask, @Body(as(IpPoolBody)) body: IpPoolBody, @Res() reply: FastifyReply) {
    const result = await addIpPool(this.cloud, ask, body, (pool) => ({
      status: 201,
      body: ipPoolView(pool),
      headers: { location: `/v1/ip-pools/${pool.id}` },
    }));
    // The next create over this API takes its address from there.
    await this.admission.view.readCatalogue();
    await sendMutation(reply, this.cloud, ask, result);
  }

  @Delete(':id')
  @HttpCode(204)
  @Mutates('Remove a network that no instance has an address of', 204)
  async remove(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    await sendMutation(reply, this.cloud, ask, await removeIpPool(this.cloud, ask, id));
  }
}
