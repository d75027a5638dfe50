import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isRefusal, refuse } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { engineJobOutcomes, type EngineJobOutcome } from '@bellows/operations/ports/engine-jobs';
import { readInstance } from '@bellows/operations/views/instances';
import { Asked } from '../http/asked.js';
import { Lists } from '../http/documented.js';
import { TextField, WordField } from '../http/fields.js';
import { pageAsk, paged, PageQuery } from '../http/pages.js';
import { asQuery } from '../http/parse.js';
import { sendRefusal, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { EngineJobStreams } from './engine-job-streams.js';
import { engineJobView, EngineJobView } from './engine-job.view.js';

export class EngineJobQuery extends PageQuery {
  @TextField({ max: 64, optional: true, description: 'Such as `container start`.' })
  verb?: string;
  @WordField(engineJobOutcomes, { optional: true })
  outcome?: EngineJobOutcome;
}

const wantsEvents = ({ headers }: FastifyRequest): boolean =>
  /(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(headers.accept ?? '');

@ApiTags('docker')
@ApiBearerAuth()
@Controller('v1/instances')
export class EngineJobsController {
  constructor(
    @Inject(CLOUD) private readonly cloud: Cloud,
    @Inject(EngineJobStreams) private readonly streams: EngineJobStreams,
  ) {}

  @Get(':id/engine-jobs')
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description:
      'With `Accept: text/event-stream` the answer is a stream of server-sent events: `engine-job` (data: an ' +
      'EngineJobView, each time it changes; the newest `limit` first), `resync` where something may be missing. It ' +
      'goes on after this id.',
    schema: { type: 'string' },
  })
  @Lists(
    "The jobs of the instance's container engine: what each docker command became, newest first",
    EngineJobView,
  )
  async list(
    @Asked() ask: Ask,
    @Param('id') id: string,
    @Query(asQuery(EngineJobQuery)) query: EngineJobQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const instance = await readInstance(this.cloud, ask, id);
    if (isRefusal(instance)) return sendRefusal(reply, instance);
    const { verb, outcome } = query;
    const { limit, cursor } = pageAsk(query);
    if (!wantsEvents(request)) {
      const page = this.cloud.store.engineJobs({ instanceId: instance.id, limit, cursor, verb, outcome });
      return sendView(reply, await paged(page, engineJobView));
    }
    if (cursor !== null) return sendRefusal(reply, refuse('invalid', 'A stream takes no cursor.'));
    const refused = await this.streams.open(request, reply, {
      ...{ instanceId: instance.id, tokenId: ask.principal.actor, limit },
      shows: (job) =>
        (verb === undefined || job.verb === verb) && (outcome === undefined || job.outcome === outcome),
    });
    if (refused) sendRefusal(reply, refused);
  }
}
