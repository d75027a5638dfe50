import type { Plan } from '@bellows/domain/plan';
import type { DockerAuthority } from '@bellows/operations/ports/docker-authority';
import type { Engine } from '@bellows/operations/ports/engine';
import type { EngineJob } from '@bellows/operations/ports/engine-jobs';
import type { AuditEntry, CloudEvent } from '@bellows/operations/ports/store';
import type { Host, Image, Instance, Operation, Project, Quota, Token } from '@bellows/operations/ports/rows';
import type { Row } from '../db.js';
import { Mapping } from './shape.js';

export const instances = new Mapping<Instance>({
  plain: [
    ...['id', 'projectId', 'hostId', 'name', 'state', 'planId', 'family', 'image', 'diskFormat', 'zone'],
    ...['mac', 'tap', 'privateAddress', 'privatePrefixLength', 'privateGateway', 'publicAddress'],
    ...['userData', 'antiAffinityGroup', 'version', 'createdAt', 'updatedAt', 'deletedAt'],
  ],
  json: ['sshKeys', 'tags', 'conditions'],
  sizes: ['desired', 'reserved', 'held', 'effective'],
  bounds: ['floor', 'ceiling'],
});

export const engines = new Mapping<Engine>({ plain: ['instanceId', 'state', 'version', 'seenAt'] });

export const dockerAuthorities = new Mapping<DockerAuthority>({
  plain: ['id', 'certificate', 'sealedKey', 'createdAt', 'expiresAt'],
});

export const engineJobs = new Mapping<EngineJob>({
  plain: [
    ...['id', 'instanceId', 'principal', 'route', 'verb', 'startedAt', 'durationMs', 'outcome', 'httpStatus'],
    ...['bytesIn', 'bytesOut', 'calls', 'eventsDropped', 'recorder'],
  ],
  json: ['subjects', 'events'],
});

export const hosts = new Mapping<Host>({
  plain: ['id', 'name', 'driver', 'uri', 'zone', 'state', 'guestOverheadMib', 'instances', 'createdAt'],
  json: ['conditions'],
  sizes: ['physical', 'overcommit', 'reserve', 'foreign', 'capacity', 'reserved'],
});

export const operations = new Mapping<Operation>({
  plain: [
    ...['id', 'kind', 'projectId', 'instanceId', 'hostId', 'state', 'sagaVersion', 'confirmedBy'],
    ...['cancelRequested', 'fence', 'attempt', 'dueAt', 'actor', 'requestId'],
    ...['createdAt', 'startedAt', 'finishedAt'],
  ],
  json: ['plan', 'steps', 'error', 'warnings'],
});

export const plans = new Mapping<Plan>({
  plain: ['id', 'family', 'vcpus', 'ramMib', 'diskGib', 'bandwidthMbps', 'pricePerHour'],
  bounds: ['floor', 'ceiling'],
});

export const images = new Mapping<Image>({
  plain: ['id', 'name', 'diskFormat', 'minDiskGib', 'minRamMib', 'os'],
});

export const projects = new Mapping<Project>({ plain: ['id', 'name', 'createdAt'] });

export const tokens = new Mapping<Token>({
  plain: ['id', 'projectId', 'role', 'name', 'createdAt', 'expiresAt', 'revokedAt'],
});

export const events = new Mapping<CloudEvent>({
  plain: ['type', 'projectId', 'resource', 'at'],
  json: ['data'],
});

export const auditEntries = new Mapping<AuditEntry>({
  plain: ['actor', 'projectId', 'action', 'resource', 'requestId', 'at'],
});

const use = (row: Row, prefix: 'limit' | 'used'): Quota['limit'] => ({
  instances: row[`${prefix}_instances`] as number,
  vcpus: row[`${prefix}_vcpus`] as number,
  ramMib: row[`${prefix}_ram_mib`] as number,
  diskGib: row[`${prefix}_disk_gib`] as number,
});
export const quota = (row: Row): Quota => ({
  projectId: row.project_id as Quota['projectId'],
  limit: use(row, 'limit'),
  used: use(row, 'used'),
  registryLimitMib: Number(row.limit_registry_mib),
});
