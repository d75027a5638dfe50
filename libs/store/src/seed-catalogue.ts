import type { NewId, ProjectId } from '@bellows/domain/ids';
import { firstCatalogue } from '@bellows/domain/plan';
import { defaultProjectId, firstQuota } from '@bellows/operations/project/default';
import type { EpochMs, Image } from '@bellows/operations/ports/rows';
import type { Change, Store } from '@bellows/operations/ports/store';

const firstImages: readonly Omit<Image, 'id'>[] = [
  { name: 'debian-12', diskFormat: 'raw', minDiskGib: 4, minRamMib: 512, os: 'debian' },
  { name: 'debian-12-micro', diskFormat: 'raw', minDiskGib: 1, minRamMib: 256, os: 'debian' },
];

/**
 * What a cloud has on its first day: plans, images and the project `default`. What is there already is kept as
 * the operator changed it, so this may run at every start and in two processes at once.
 */
export async function seedCatalogue(store: Store, newId: NewId, now: EpochMs): Promise<void> {
  const known = new Set((await store.images()).map((image) => image.name));
  const changes: Change[] = [
    ...firstCatalogue.map((plan): Change => ({ change: 'put-plan', plan, mode: 'insert' })),
    ...firstImages
      .filter((image) => !known.has(image.name))
      .map((image): Change => ({ change: 'put-image', image: { id: newId('image'), ...image } })),
    {
      change: 'insert-project',
      project: { id: defaultProjectId, name: 'default', createdAt: now },
      quota: firstQuota,
    },
  ];
  for (const change of changes) {
    const result = await store.commit([change]);
    if (!result.ok && result.why !== 'exists') throw new Error(`seeding was refused: ${result.why}`);
  }
}

/** The project of that name, by reading every page: there are few. */
export async function projectNamed(store: Store, name: string): Promise<ProjectId | null> {
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<Store['projects']>> = await store.projects({ limit: 500, cursor });
    const found = page.items.find((project) => project.name === name);
    if (found) return found.id;
    if (page.nextCursor === null) return null;
    cursor = page.nextCursor;
  }
}
