import { Body, Controller, Get, HttpCode, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Plan } from '@bellows/domain/plan';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { addPlan, changePlan } from '@bellows/operations/plan/put';
import { Asked } from '../http/asked.js';
import { Lists, Mutates } from '../http/documented.js';
import { NoQuery, whole } from '../http/pages.js';
import { as, asQuery } from '../http/parse.js';
import { sendMutation, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { imageView, ImageView, planView, PlanView, ZoneView } from './catalogue.views.js';
import { ChangePlanBody, PlanBody } from './plan.bodies.js';

@ApiTags('catalogue')
@ApiBearerAuth()
@Controller('v1')
export class CatalogueController {
  constructor(@Inject(CLOUD) private readonly cloud: Cloud) {}

  @Get('plans')
  @Lists('What is sold', PlanView)
  async plans(@Query(asQuery(NoQuery)) _query: NoQuery, @Res() reply: FastifyReply) {
    sendView(reply, whole(await this.cloud.store.plans(), planView));
  }

  @Post('plans')
  @HttpCode(201)
  @Mutates('Sell a new slice; admins only', 201, PlanView)
  async addPlan(@Asked() ask: Ask, @Body(as(PlanBody)) body: PlanBody, @Res() reply: FastifyReply) {
    const answer = (plan: Plan) => ({ status: 201, body: planView(plan) });
    await sendMutation(reply, this.cloud, ask, await addPlan(this.cloud, ask, body, answer));
  }

  @Patch('plans/:id')
  @Mutates('Change a plan; instances keep the size they have; admins only', 200, PlanView)
  async changePlan(
    @Asked() ask: Ask,
    @Param('id') id: string,
    @Body(as(ChangePlanBody)) body: ChangePlanBody,
    @Res() reply: FastifyReply,
  ) {
    const answer = (plan: Plan) => ({ status: 200, body: planView(plan) });
    await sendMutation(reply, this.cloud, ask, await changePlan(this.cloud, ask, id, body, answer));
  }

  @Get('images')
  @Lists('What an instance can boot', ImageView)
  async images(@Query(asQuery(NoQuery)) _query: NoQuery, @Res() reply: FastifyReply) {
    sendView(reply, whole(await this.cloud.store.images(), imageView));
  }

  @Get('zones')
  @Lists('Where servers are', ZoneView)
  async zones(@Query(asQuery(NoQuery)) _query: NoQuery, @Res() reply: FastifyReply) {
    sendView(
      reply,
      whole(await this.cloud.store.zones(), (name) => ({ id: name, name })),
    );
  }
}
