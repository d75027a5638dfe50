import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import type { Cloud } from '@bellows/operations/cloud';
import { Open } from '../http/auth.guard.js';
import { Metrics } from '../http/metrics.js';
import { CLOUD, FLEET_PROBE } from '../provider-names.js';

/** Null: there is no modelled fleet to ask. Rejects when it does not answer. */
export type FleetProbe = (() => Promise<void>) | null;

@Open()
@ApiExcludeController()
@Controller()
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicator: HealthIndicatorService,
    @Inject(CLOUD) private readonly cloud: Cloud,
    @Inject(Metrics) private readonly metrics: Metrics,
    @Inject(FLEET_PROBE) private readonly fleet: FleetProbe,
  ) {}

  /** The process runs. */
  @Get('healthz')
  healthz() {
    return { status: 'ok' };
  }

  /** What it needs answers too. */
  @Get('readyz')
  async readyz(@Res() reply: FastifyReply) {
    const checks = [
      () => this.probe('database', async () => void (await this.cloud.store.zones())),
      () => this.probe('queue', () => this.queueAnswers()),
      ...(this.fleet ? [() => this.probe('fleet', this.fleet!)] : []),
    ];
    const [status, body] = await this.health.check(checks).then(
      (result) => [200, result] as const,
      (error: { getResponse?: () => unknown }) =>
        [503, error.getResponse?.() ?? { status: 'error' }] as const,
    );
    void reply.status(status).header('cache-control', 'no-store').send(body);
  }

  @Get('metrics')
  async prometheus(@Res() reply: FastifyReply) {
    const { registry } = this.metrics;
    void reply.header('content-type', registry.contentType).send(await registry.metrics());
  }

  private async queueAnswers(): Promise<void> {
    if ((await this.cloud.queue.depth()) === null) throw new Error('the queue does not answer');
  }

  private async probe(name: string, ask: () => Promise<void>) {
    const check = this.indicator.check(name);
    try {
      await ask();
      return check.up();
    } catch {
      // Open to anyone who reaches the port: no addresses, no messages of drivers.
      return check.down({ message: 'does not answer' });
    }
  }
}
