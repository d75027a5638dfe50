import { CloudEntity } from './cloud.entity.js';
import { ProjectEntity } from './project.entity.js';
import { QuotaEntity } from './quota.entity.js';
import { TokenEntity } from './token.entity.js';
import { PlanEntity } from './plan.entity.js';
import { ImageEntity } from './image.entity.js';
import { HostEntity } from './host.entity.js';
import { HostTombstoneEntity } from './host-tombstone.entity.js';
import { IpPoolEntity } from './ip-pool.entity.js';
import { IpClaimEntity } from './ip-claim.entity.js';
import { IpReleasedEntity } from './ip-released.entity.js';
import { InstanceEntity } from './instance.entity.js';
import { DockerAuthorityEntity } from './docker-authority.entity.js';
import { EngineEntity } from './engine.entity.js';
import { EngineJobEntity } from './engine-job.entity.js';
import { EngineJobFeedEntity } from './engine-job-feed.entity.js';
import { EngineRecorderEntity } from './engine-recorder.entity.js';
import { UsageIntervalEntity } from './usage-interval.entity.js';
import { OperationEntity } from './operation.entity.js';
import { EventEntity } from './event.entity.js';
import { AuditEntryEntity } from './audit-entry.entity.js';
import { KeptAnswerEntity } from './kept-answer.entity.js';

export const entities = [
  CloudEntity,
  ProjectEntity,
  QuotaEntity,
  TokenEntity,
  PlanEntity,
  ImageEntity,
  HostEntity,
  HostTombstoneEntity,
  IpPoolEntity,
  IpClaimEntity,
  IpReleasedEntity,
  InstanceEntity,
  EngineEntity,
  EngineJobEntity,
  EngineJobFeedEntity,
  EngineRecorderEntity,
  DockerAuthorityEntity,
  UsageIntervalEntity,
  OperationEntity,
  EventEntity,
  AuditEntryEntity,
  KeptAnswerEntity,
];
