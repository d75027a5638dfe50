import type { Container } from './container.js';
import { firstIp } from './container-machine.js';

/** The files that the engine mounts into each container, made up when they are read. */
export function addOwnFiles(container: Container): void {
  for (const [path, text] of ownFiles(container)) container.tree.virtual.set(path, text);
}

const ownFiles = (container: Container): [string, () => string][] => [
  ['/etc/hostname', () => `${container.config.Hostname}\n`],
  [
    '/etc/resolv.conf',
    () => `nameserver ${container.hostConfig.NetworkMode === 'bridge' ? '192.0.2.53' : '127.0.0.11'}\n`,
  ],
  [
    '/etc/hosts',
    () => {
      const extra = (container.hostConfig.ExtraHosts ?? []).map((line) => {
        const at = line.indexOf(':');
        return `${line.slice(at + 1)}\t${line.slice(0, at)}\n`;
      });
      const ip = firstIp(container);
      const own = ip === null ? '' : `${ip}\t${container.config.Hostname}\n`;
      return `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n${extra.join('')}${own}`;
    },
  ],
];
