import { Body, Controller, Delete, Get, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { InstanceId } from '@bellows/domain/ids';
import { isRefusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { deleteInstance } from '@bellows/operations/instance/act';
import { Admission } from '@bellows/operations/instance/create';
import { updateInstance } from '@bellows/operations/instance/update';
import { projectFor } from '@bellows/operations/project/default';
import { listInstances, readInstance } from '@bellows/operations/views/instances';
import { Asked, etagOf, IfMatch } from '../http/asked.js';
import { Lists, Mutates, Reads, TakesIfMatch } from '../http/documented.js';
import { pageAsk, paged, ProjectQuery } from '../http/pages.js';
import { as, asQuery } from '../http/parse.js';
import { idOf } from '../http/path-id.js';
import { sendMutation, sendRefusal, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { CreateInstanceBody, InstanceQuery, UpdateInstanceBody } from './instance.bodies.js';
import { acceptedAnswer, AcceptedView, instanceView, InstanceView } from './instance.view.js';
import { DryRunView } from './resize-plan.view.js';

@ApiTags('instances')
@ApiBearerAuth()
@Controller('v1/instances')
export class InstancesController {
  constructor(
    @Inject(CLOUD) private readonly cloud: Cloud,
    private readonly admission: Admission,
  ) {}

  @Get()
  @Lists('Instances, newest first', InstanceView)
  async list(
    @Asked() ask: Ask,
    @Query(asQuery(InstanceQuery)) query: InstanceQuery,
    @Res() reply: FastifyReply,
  ) {
    const page = await listInstances(this.cloud, ask, { ...query, ...pageAsk(query) });
    if (isRefusal(page)) return sendRefusal(reply, page);
    const engines = await this.cloud.store.engines(page.items.map(({ id }) => id));
    sendView(
      reply,
      await paged(Promise.resolve(page), (instance) => instanceView(instance, ask.principal, engines)),
    );
  }

  @Get(':id')
  @Reads('One instance', InstanceView)
  async read(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    const instance = await readInstance(this.cloud, ask, id);
    if (isRefusal(instance)) return sendRefusal(reply, instance);
    void reply.header('etag', etagOf(instance.version));
    sendView(reply, instanceView(instance, ask.principal, await this.cloud.store.engines([instance.id])));
  }

  @Post()
  @Mutates('Make instances', 202, AcceptedView)
  @ApiResponse({ status: 200, type: DryRunView, description: 'Asked with `dryRun`: nothing was changed.' })
  async create(
    @Asked() ask: Ask,
    @Query(asQuery(ProjectQuery)) { project }: ProjectQuery,
    @Body(as(CreateInstanceBody)) { projectId, ...body }: CreateInstanceBody,
    @Res() reply: FastifyReply,
  ) {
    const owner = await projectFor(this.cloud.store, ask.principal, project, projectId);
    if (isRefusal(owner)) return sendRefusal(reply, owner);
    if (!body.dryRun) {
      const accepted = this.admission.create(ask, body, owner, acceptedAnswer(ask.principal));
      return sendMutation(reply, this.cloud, ask, await accepted);
    }
    const found = await this.admission.dryRun(ask, body, owner);
    if (isRefusal(found)) return sendRefusal(reply, found);
    const { hostId, ...rest } = found;
    const view: DryRunView = { fits: true, ...rest, ...(ask.principal.role === 'admin' && { hostId }) };
    sendView(reply, view);
  }

  @Patch(':id')
  @TakesIfMatch()
  @Mutates('Rename or retag', 200, InstanceView)
  async update(
    @Asked() ask: Ask,
    @Param('id', idOf('instance')) id: InstanceId,
    @IfMatch() ifMatch: number | null,
    @Body(as(UpdateInstanceBody)) body: UpdateInstanceBody,
    @Res() reply: FastifyReply,
  ) {
    const engines = await this.cloud.store.engines([id]);
    const result = await updateInstance(this.cloud, ask, id, body, ifMatch, (instance) => ({
      status: 200,
      body: instanceView(instance, ask.principal, engines),
      headers: { etag: etagOf(instance.version) },
    }));
    await sendMutation(reply, this.cloud, ask, result);
  }

  @Delete(':id')
  @TakesIfMatch()
  @Mutates('Delete, with its disk and addresses', 202, AcceptedView)
  async remove(
    @Asked() ask: Ask,
    @Param('id', idOf('instance')) id: InstanceId,
    @IfMatch() ifMatch: number | null,
    @Res() reply: FastifyReply,
  ) {
    const result = await deleteInstance(this.cloud, ask, id, ifMatch, acceptedAnswer(ask.principal));
    await sendMutation(reply, this.cloud, ask, result);
  }
}
