import { describe, expect, it } from '@jest/globals';
import { parseHostSources } from '@bellows/config/host-sources';
import { hostBodies } from './first-hosts.js';

describe('hostBodies', () => {
  it('names servers across sources, so that a name stands for one server', () => {
    const bodies = hostBodies(parseHostSources('sim:2,libvirt:qemu:///system,sim:1x8c16g')!);
    expect(bodies).toEqual([
      expect.objectContaining({ name: 'sim-1', driver: 'sim', zone: 'sim' }),
      expect.objectContaining({ name: 'sim-2', driver: 'sim', zone: 'sim' }),
      { name: 'local-1', driver: 'libvirt', zone: 'local', uri: 'qemu:///system' },
      expect.objectContaining({ name: 'sim-3', vcpus: 8, ramMib: 16 * 1024 }),
    ]);
  });
});
