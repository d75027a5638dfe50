import { Body, Controller, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { InstanceId } from '@bellows/domain/ids';
import { isRefusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { actOnInstance } from '@bellows/operations/instance/act';
import { planInstanceResize } from '@bellows/operations/instance/plan-resize';
import { resizeInstance } from '@bellows/operations/instance/resize';
import { nothingThere } from '@bellows/operations/views/visible';
import { Asked, IfMatch } from '../http/asked.js';
import { Mutates, Reads, TakesIfMatch } from '../http/documented.js';
import { as } from '../http/parse.js';
import { idOf } from '../http/path-id.js';
import { sendMutation, sendRefusal, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { ResizeBody, ResizePlanBody } from './instance.bodies.js';
import { acceptedAnswer, AcceptedView } from './instance.view.js';
import { resizePlanView, ResizePlanView } from './resize-plan.view.js';

const actions = ['start', 'stop', 'reboot'] as const;
type Action = (typeof actions)[number];

@ApiTags('instances')
@ApiBearerAuth()
@Controller('v1/instances/:id')
export class InstanceActionsController {
  constructor(@Inject(CLOUD) private readonly cloud: Cloud) {}

  @Post('actions/:action')
  @ApiParam({ name: 'action', enum: [...actions] })
  @TakesIfMatch()
  @Mutates('Start, stop or reboot', 202, AcceptedView)
  async act(
    @Asked() ask: Ask,
    @Param('id', idOf('instance')) id: InstanceId,
    @Param('action') action: Action,
    @IfMatch() ifMatch: number | null,
    @Res() reply: FastifyReply,
  ) {
    if (!actions.includes(action)) return sendRefusal(reply, nothingThere('action'));
    const result = await actOnInstance(this.cloud, ask, id, action, ifMatch, acceptedAnswer(ask.principal));
    await sendMutation(reply, this.cloud, ask, result);
  }

  @Post('resize-plans')
  @HttpCode(200)
  @Reads('What a resize would do, and at what price; changes nothing', ResizePlanView)
  async plan(
    @Asked() ask: Ask,
    @Param('id', idOf('instance')) id: InstanceId,
    @Body(as(ResizePlanBody)) body: ResizePlanBody,
    @Res() reply: FastifyReply,
  ) {
    const plan = await planInstanceResize(this.cloud, ask, id, body);
    sendView(reply, isRefusal(plan) ? plan : resizePlanView(plan));
  }

  @Post('resize')
  @TakesIfMatch()
  @Mutates('Resize, by plan, by figures or by a resize plan', 202, AcceptedView)
  async resize(
    @Asked() ask: Ask,
    @Param('id', idOf('instance')) id: InstanceId,
    @IfMatch() ifMatch: number | null,
    @Body(as(ResizeBody)) body: ResizeBody,
    @Res() reply: FastifyReply,
  ) {
    const answer = acceptedAnswer(ask.principal, await this.cloud.store.engines([id]));
    const result = await resizeInstance(this.cloud, ask, id, body, ifMatch, answer);
    await sendMutation(reply, this.cloud, ask, result);
  }
}
