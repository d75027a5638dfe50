import { constants } from 'node:fs';
import { access, chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

export class HomeUnusableError extends Error {
  constructor(home: string, why: string) {
    super(`BELLOWS_HOME ${home} cannot be used: ${why}. Set BELLOWS_HOME to a folder that you may write to.`);
    this.name = 'HomeUnusableError';
  }
}

/** Makes the home, for its owner's eyes only. Throws `HomeUnusableError`. */
export async function ensureHome(home: string): Promise<void> {
  try {
    await mkdir(join(home, 'logs'), { recursive: true, mode: 0o700 });
    await access(home, constants.W_OK | constants.X_OK);
    await chmod(home, 0o700);
  } catch (error) {
    throw new HomeUnusableError(home, (error as Error).message);
  }
}
