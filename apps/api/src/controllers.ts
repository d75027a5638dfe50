import { CatalogueController } from './catalogue/catalogue.controller.js';
import { DockerCertificatesController } from './docker/docker-certificates.controller.js';
import { EngineJobsController } from './engine-jobs/engine-jobs.controller.js';
import { HealthController } from './health/health.controller.js';
import { HostsController } from './hosts/hosts.controller.js';
import { IpPoolsController } from './hosts/ip-pools.controller.js';
import { InstanceActionsController } from './instances/instance-actions.controller.js';
import { InstancesController } from './instances/instances.controller.js';
import { OperationsController } from './operations/operations.controller.js';
import { AccountsController } from './projects/accounts.controller.js';
import { ProjectsController } from './projects/projects.controller.js';
import { TokensController } from './projects/tokens.controller.js';
import { RegistryController } from './registry/registry.controller.js';
import { RegistryTokenController } from './registry/registry-token.controller.js';

/** Every route there is: the application serves them, and openapi.json is written from them. */
export const controllers = [
  HealthController,
  HostsController,
  IpPoolsController,
  CatalogueController,
  InstancesController,
  InstanceActionsController,
  DockerCertificatesController,
  EngineJobsController,
  OperationsController,
  ProjectsController,
  TokensController,
  AccountsController,
  RegistryTokenController,
  RegistryController,
];
