import { ownerOf } from '@bellows/domain/repository';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '../cloud.js';
import type { Images, Repository } from '../ports/images.js';
import type { Page } from '../ports/store.js';
import { projectFor } from '../project/default.js';
import { nothingThere } from '../views/visible.js';

const mib = 1024 * 1024;

export interface RegistryUse {
  readonly projectId: string;
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** What a project keeps, against what it may. @param project an admin may ask about any. */
export async function registryUse(
  cloud: Cloud,
  images: Images,
  ask: Ask,
  project: string | undefined,
): Promise<RegistryUse | Refusal> {
  const projectId = await projectFor(cloud.store, ask.principal, project);
  if (isRefusal(projectId)) return projectId;
  const quota = await cloud.store.quota(projectId);
  if (!quota) return nothingThere('project');
  const usedBytes = await images.usedBytes(projectId);
  return { projectId, usedBytes, limitBytes: quota.registryLimitMib * mib };
}

/** @param namespace `library`, or a project's id; default: the asking token's project. */
export async function listRepositories(
  cloud: Cloud,
  images: Images,
  ask: Ask,
  { namespace, limit, cursor }: { namespace: string | undefined; limit: number; cursor: string | null },
): Promise<Page<Repository> | Refusal> {
  const asked = namespace === 'library' ? namespace : await projectFor(cloud.store, ask.principal, namespace);
  if (isRefusal(asked)) return asked;
  const after = cursor === null ? null : Buffer.from(cursor, 'base64url').toString('latin1');
  if (after !== null && !ownerOf(after)) return refuse('invalid', 'The cursor is not one of ours.');
  const { items, next } = await images.repositories(asked, { limit, after });
  return { items, nextCursor: next === null ? null : Buffer.from(next, 'latin1').toString('base64url') };
}

export async function repositorySeenBy(
  images: Images,
  ask: Ask,
  name: string,
): Promise<Repository | Refusal> {
  const { principal } = ask;
  const owner = ownerOf(name);
  const seen =
    owner && (owner.project === null || principal.role === 'admin' || principal.projectId === owner.project);
  return (seen ? await images.repository(name) : null) ?? nothingThere('repository');
}
