import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/**
 * One fleet process a folder. The lock is a Linux abstract socket, which the kernel lets go of when the process
 * ends, however it ends; on other systems there is no lock, and the listening address has to do.
 */
export async function lockFolder(folder: string): Promise<Server | null> {
  if (process.platform !== 'linux') return null;
  const name = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32);
  const lock = createServer((socket) => socket.destroy()).unref();
  await new Promise<void>((resolve, reject) => {
    lock.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`another fleet process works in ${folder}`) : error);
    });
    lock.listen(`\0bellows-fleet-${name}`, resolve);
  });
  return lock;
}
