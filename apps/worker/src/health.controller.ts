import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Metrics } from './metrics.js';
import { Shift } from './shift.js';

@Controller()
export class HealthController {
  constructor(
    @Inject(Metrics) private readonly metrics: Metrics,
    @Inject(Shift) private readonly shift: Shift,
  ) {}

  /** 503 once it takes no further work. */
  @Get('healthz')
  healthz(@Res() reply: FastifyReply): void {
    const { draining } = this.shift;
    void reply.status(draining ? 503 : 200).send({ status: draining ? 'draining' : 'ok' });
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  prometheus(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
