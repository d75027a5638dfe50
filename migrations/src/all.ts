import { ProjectsAndTokens1763900000001 } from './1763900000001-projects-and-tokens.js';
import { Catalogue1763900000002 } from './1763900000002-catalogue.js';
import { Hosts1763900000003 } from './1763900000003-hosts.js';
import { IpPools1763900000004 } from './1763900000004-ip-pools.js';
import { Instances1763900000005 } from './1763900000005-instances.js';
import { Operations1763900000006 } from './1763900000006-operations.js';
import { Outbox1763900000007 } from './1763900000007-outbox.js';
import { Engines1763900000008 } from './1763900000008-engines.js';
import { EngineJobs1763900000009 } from './1763900000009-engine-jobs.js';
import { RegistryQuota1763900000010 } from './1763900000010-registry-quota.js';
import { DockerAuthorities1763900000011 } from './1763900000011-docker-authorities.js';
import { ConfirmedByEngine1763900000012 } from './1763900000012-confirmed-by-engine.js';

/** Every migration, oldest first. Add at the end; one that has been released never changes. */
export const migrations = [
  ProjectsAndTokens1763900000001,
  Catalogue1763900000002,
  Hosts1763900000003,
  IpPools1763900000004,
  Instances1763900000005,
  Operations1763900000006,
  Outbox1763900000007,
  Engines1763900000008,
  EngineJobs1763900000009,
  RegistryQuota1763900000010,
  DockerAuthorities1763900000011,
  ConfirmedByEngine1763900000012,
];
