import { mkdirSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../world.js';
import type { EngineShelf } from './keeper.js';

/** A file an instance; a file is whole or it is the one before. */
export function folderShelf(folder: string): EngineShelf {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Ids of instances are safe as names; hashing makes that nobody's promise.
  const pathOf = (instanceId: string) => join(folder, `${sha256(instanceId).slice(0, 32)}.json`);
  return {
    load: (instanceId) => {
      try {
        return readFileSync(pathOf(instanceId), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    save: async (instanceId, text) => {
      const path = pathOf(instanceId);
      await writeFile(`${path}.part`, text, { mode: 0o600 });
      await rename(`${path}.part`, path);
    },
    forget: (instanceId) => rm(pathOf(instanceId), { force: true }),
  };
}
