import type { Provider } from '@nestjs/common';
import type { Logger } from 'pino';
import { ensureAdminToken } from '@bellows/config/home';
import type { Cloud } from '@bellows/operations/cloud';
import { Authenticator } from '@bellows/operations/token/authenticate';
import type { ApiSettings } from '../api-settings.js';
import { EngineJobs } from '../engine-jobs/recorder.js';
import { RateLimit } from '../http/rate-limit.js';
import { CLOUD, LOGGER, SETTINGS } from '../provider-names.js';
import { DockerAdmission } from './admission.js';
import { DockerAuthorities } from './authorities.js';
import { byCertificate } from './certificate-way.js';
import { DockerPort } from './docker-port.js';
import { DockerProxy } from './docker-proxy.js';
import { OpenStreams } from './open-streams.js';

/** Both ways in to the container engines, and what is behind them. */
export const dockerProviders: Provider[] = [
  {
    provide: OpenStreams,
    inject: [CLOUD, LOGGER],
    useFactory: (cloud: Cloud, logger: Logger) =>
      new OpenStreams(cloud, (error) => logger.warn({ err: error }, 'open docker streams were not checked')),
  },
  {
    provide: DockerProxy,
    inject: [CLOUD, RateLimit, OpenStreams, EngineJobs, SETTINGS, LOGGER],
    useFactory: (
      cloud: Cloud,
      limit: RateLimit,
      streams: OpenStreams,
      jobs: EngineJobs,
      { gateway }: ApiSettings,
      logger: Logger,
    ) =>
      new DockerProxy(new DockerAdmission(cloud, limit), streams, jobs, gateway, (error) =>
        logger.error({ err: error }, 'a docker request failed'),
      ),
  },
  {
    provide: DockerAuthorities,
    inject: [CLOUD, SETTINGS],
    // The one secret that every process of a cloud has and no backup of its database holds.
    useFactory: async ({ store, clock }: Cloud, settings: ApiSettings) =>
      new DockerAuthorities(store, clock, await ensureAdminToken(settings)),
  },
  {
    provide: DockerPort,
    inject: [CLOUD, SETTINGS, DockerAuthorities, Authenticator, DockerProxy, LOGGER],
    useFactory: (
      { clock }: Cloud,
      { dockerPort, bind }: ApiSettings,
      authorities: DockerAuthorities,
      authenticator: Authenticator,
      proxy: DockerProxy,
      logger: Logger,
    ) => {
      const way = byCertificate(authenticator, clock);
      return new DockerPort(
        dockerPort && { ...dockerPort, bind },
        authorities,
        (caller, requestId, admitted) => proxy.serve(way, caller, requestId, admitted),
        logger,
      );
    },
  },
];
