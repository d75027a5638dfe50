import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export const run = promisify(execFile);
const virsh = async (...args: string[]): Promise<string> =>
  (await run('virsh', ['-c', 'qemu:///system', ...args])).stdout;

/**
 * This machine's libvirtd without an owner: an earlier run that was killed leaves its controller's mark, as it should.
 */
export async function freeHost(): Promise<void> {
  await virsh('nwfilter-undefine', 'bellows-owner').catch(() => undefined);
}

export const domains = async (): Promise<string[]> =>
  (await virsh('list', '--all', '--name')).split('\n').filter((name) => name !== '');

export const volumes = (): Promise<string> => virsh('vol-list', 'bellows');
