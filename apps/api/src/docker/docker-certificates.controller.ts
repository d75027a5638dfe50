import { Body, Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { InstanceId } from '@bellows/domain/ids';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { issueDockerCertificate } from '@bellows/operations/instance/docker-certificate';
import type { StoredAnswer } from '@bellows/operations/ports/store';
import { seal, unseal } from '@bellows/operations/token/sealed';
import { Asked } from '../http/asked.js';
import { bearerOf } from '../http/auth.guard.js';
import { Mutates } from '../http/documented.js';
import { parse } from '../http/parse.js';
import { idOf } from '../http/path-id.js';
import { sendMutation, sendRefusal } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { DockerAuthorities } from './authorities.js';
import {
  DockerCertificateBody,
  DockerCertificateView,
  dockerCertificateView,
} from './docker-certificate.view.js';
import { DockerPort } from './docker-port.js';

const usualMinutes = 720;

@ApiTags('docker')
@ApiBearerAuth()
@Controller('v1/instances/:id')
export class DockerCertificatesController {
  constructor(
    @Inject(CLOUD) private readonly cloud: Cloud,
    @Inject(DockerAuthorities) private readonly authorities: DockerAuthorities,
    @Inject(DockerPort) private readonly port: DockerPort,
  ) {}

  @Post('docker-certificates')
  @HttpCode(201)
  @ApiBody({ type: DockerCertificateBody, required: false })
  @Mutates(
    "A short-lived client certificate for the instance's container engine, at the docker port; it stands for the token that asks",
    201,
    DockerCertificateView,
  )
  async issue(
    @Asked() ask: Ask,
    @Req() request: FastifyRequest,
    @Param('id', idOf('instance')) id: InstanceId,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ) {
    const { ttlMinutes = usualMinutes } = parse(DockerCertificateBody, body ?? {});
    const endpoint = this.port.endpoint(request.hostname);
    const secrets = keptSecrets(bearerOf(request) ?? '', ask.idempotency?.key);
    const result = await issueDockerCertificate(
      this.cloud,
      ask,
      id,
      ttlMinutes * 60_000,
      endpoint === null ? null : (identity) => this.authorities.mint(identity),
      (issued) => secrets.closed(dockerCertificateView(issued, endpoint ?? '')),
    );
    if (isRefusal(result)) return sendRefusal(reply, result);
    await sendMutation(reply, this.cloud, ask, secrets.opened(result));
  }
}

/** An answer that is kept for a repeated request holds no readable key. */
function keptSecrets(bearer: string, idempotencyKey: string | undefined) {
  return {
    closed: (view: DockerCertificateView): StoredAnswer => ({
      status: 201,
      body: idempotencyKey === undefined ? view : { ...view, key: seal(view.key, bearer, idempotencyKey) },
      headers: { 'cache-control': 'no-store' },
    }),
    opened: (answer: StoredAnswer): StoredAnswer | Refusal => {
      if (idempotencyKey === undefined) return answer;
      const body = answer.body as DockerCertificateView;
      const key = unseal(body.key, bearer, idempotencyKey);
      if (key !== null) return { ...answer, body: { ...body, key } };
      return refuse('idempotency-mismatch', 'This Idempotency-Key was used before, with another token.');
    },
  };
}
