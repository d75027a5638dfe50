import { writeXml } from './write.js';

/** @param format always named, never left to be probed. */
export const volumeXml = (name: string, capacityBytes: number, format: 'raw' | 'qcow2'): string =>
  writeXml({
    volume: {
      '@type': 'file',
      name,
      capacity: { '@unit': 'bytes', '#': capacityBytes },
      allocation: { '@unit': 'bytes', '#': 0 },
      target: { format: { '@type': format } },
    },
  });
