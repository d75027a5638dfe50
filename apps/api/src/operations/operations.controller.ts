import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OperationId } from '@bellows/domain/ids';
import { isRefusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { cancelOperation } from '@bellows/operations/operation/cancel';
import { listOperations, readOperation } from '@bellows/operations/views/instances';
import { OperationEnds } from '@bellows/operations/views/wait';
import { Asked } from '../http/asked.js';
import { Lists, Mutates, Reads } from '../http/documented.js';
import { QueryIntegerField, TextField } from '../http/fields.js';
import { pageAsk, paged, ProjectPageQuery } from '../http/pages.js';
import { asQuery } from '../http/parse.js';
import { idOf } from '../http/path-id.js';
import { sendMutation, sendRefusal, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { operationView, OperationView } from './operation.view.js';

export class OperationQuery extends ProjectPageQuery {
  @TextField({ max: 64, optional: true })
  instance?: string;
  @TextField({ max: 64, optional: true })
  state?: string;
  @TextField({ max: 64, optional: true })
  kind?: string;
}

export class WaitQuery {
  @QueryIntegerField({ min: 0, max: 60, optional: true, description: 'Seconds.' })
  wait?: string;
}

@ApiTags('operations')
@ApiBearerAuth()
@Controller('v1/operations')
export class OperationsController {
  constructor(
    @Inject(CLOUD) private readonly cloud: Cloud,
    private readonly ends: OperationEnds,
  ) {}

  @Get()
  @Lists('Operations, newest first', OperationView)
  async list(
    @Asked() ask: Ask,
    @Query(asQuery(OperationQuery)) query: OperationQuery,
    @Res() reply: FastifyReply,
  ) {
    const page = listOperations(this.cloud, ask, { ...query, ...pageAsk(query) });
    sendView(reply, await paged(page, operationView));
  }

  @Get(':id')
  @Reads('One operation; `wait` blocks until it ends, or that many seconds', OperationView)
  async read(
    @Asked() ask: Ask,
    @Param('id') id: string,
    @Query(asQuery(WaitQuery)) { wait }: WaitQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const found = await readOperation(this.cloud, ask, id);
    if (isRefusal(found)) return sendRefusal(reply, found);
    if (wait === undefined || wait === '0') return sendView(reply, operationView(found));
    const gone = new AbortController();
    request.raw.socket.once('close', () => gone.abort());
    const latest = await this.ends.wait(found, Number(wait) * 1000, gone.signal);
    if (!gone.signal.aborted) sendView(reply, operationView(latest));
  }

  @Post(':id/cancel')
  @HttpCode(202)
  @Mutates('Turn an operation round; possible until its point of no return', 202, OperationView)
  async cancel(
    @Asked() ask: Ask,
    @Param('id', idOf('operation')) id: OperationId,
    @Res() reply: FastifyReply,
  ) {
    const result = await cancelOperation(this.cloud, ask, id, (operation) => ({
      status: 202,
      body: operationView(operation),
      headers: { location: `/v1/operations/${operation.id}` },
    }));
    await sendMutation(reply, this.cloud, ask, result);
  }
}
