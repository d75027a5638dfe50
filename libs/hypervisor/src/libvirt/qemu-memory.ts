const bytesPerMib = 2 ** 20;

interface MemoryDevice {
  readonly type?: unknown;
  readonly data?: { readonly size?: unknown };
}

/** @param answer what QMP's `query-memory-devices` says. MiB that all virtio-mem devices have plugged. */
export function elasticMibIn(answer: string): number {
  const { return: devices } = JSON.parse(answer) as { return?: unknown };
  if (!Array.isArray(devices)) throw new Error('QEMU does not list its memory devices');
  const sizes = (devices as MemoryDevice[])
    .filter(({ type }) => type === 'virtio-mem')
    .map(({ data }) => data?.size);
  if (!sizes.every((size) => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0)) {
    throw new Error('QEMU names no size of a memory device');
  }
  return Math.ceil((sizes as number[]).reduce((sum, size) => sum + size, 0) / bytesPerMib);
}
