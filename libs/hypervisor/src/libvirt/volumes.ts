import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { Connection } from '@bellows/node-libvirt/connection';
import { isNoStorageVol } from '@bellows/node-libvirt/errors';
import { StorageVolDelete } from '@bellows/node-libvirt/flags';
import type { StoragePool, StorageVol } from '@bellows/node-libvirt/types';
import { DriverError, HypervisorRefusedError } from '@bellows/operations/ports/driver-errors';
import type { GuestSpec } from '@bellows/operations/ports/host-driver';
import type { Deadline } from './deadline.js';
import type { HostStorage } from './session.js';
import { seedImage } from './seed/nocloud.js';
import type { DiskPaths } from './xml/domain.js';
import { volumeXml } from './xml/volume.js';

export const bytesPerGib = 2 ** 30;

export const rootVolume = (instanceId: string): string => `${instanceId}.root`;
export const seedVolume = (instanceId: string): string => `${instanceId}.seed`;
/** The instance a volume belongs to by its name; null for an image or a foreign one. */
export const instanceOfVolume = (name: string): string | null =>
  /^(i-[0-9a-z]+)\.(root|seed)$/.exec(name)?.[1] ?? null;

export const imageVolume = (image: string): string => `image-${image}.raw`;
/** The image's name; null for any other volume. */
export const imageOfVolume = (name: string): string | null => /^image-(.+)\.raw$/.exec(name)?.[1] ?? null;

export const diskPaths = ({ path }: HostStorage, instanceId: string): DiskPaths => ({
  root: `${path}/${rootVolume(instanceId)}`,
  seed: `${path}/${seedVolume(instanceId)}`,
});

export async function findVolume(
  connection: Connection,
  pool: StoragePool,
  name: string,
  deadline: Deadline,
): Promise<StorageVol | null> {
  try {
    return await connection.storageVolLookupByName(pool, name, deadline.call('look up a volume'));
  } catch (error) {
    if (isNoStorageVol(error)) return null;
    throw error;
  }
}

/** Idempotent. A volume that is still being copied makes libvirt refuse for now. */
export async function deleteVolume(
  connection: Connection,
  pool: StoragePool,
  name: string,
  deadline: Deadline,
): Promise<void> {
  const volume = await findVolume(connection, pool, name, deadline);
  if (!volume) return;
  try {
    await connection.storageVolDelete(volume, StorageVolDelete.NORMAL, deadline.call('delete a volume'));
  } catch (error) {
    if (!isNoStorageVol(error)) throw stillBuilding(error) ?? error;
  }
}

const stillBuilding = (error: unknown): DriverError | null =>
  error instanceof Error && /still being (allocated|built)|still in use/.test(error.message)
    ? new DriverError(error.message, true, { cause: error })
    : null;

/** The image, if it is there and the disk is to be large enough for it. */
export async function imageFor(
  connection: Connection,
  { pool }: HostStorage,
  spec: GuestSpec,
  deadline: Deadline,
): Promise<StorageVol> {
  const image = await findVolume(connection, pool, imageVolume(spec.image), deadline);
  if (!image) throw new HypervisorRefusedError(`there is no image ${spec.image}`);
  const { capacityBytes } = await connection.storageVolGetInfo(image, deadline.call('read the image'));
  if (capacityBytes > spec.size.diskGib * bytesPerGib) {
    throw new HypervisorRefusedError(
      `image ${spec.image} needs ${Math.ceil(capacityBytes / bytesPerGib)} GiB of disk`,
    );
  }
  return image;
}

/** A full copy of the image, as large as the disk is to be; what a crash left of an earlier copy goes first. */
export async function copyImage(
  connection: Connection,
  storage: HostStorage,
  spec: GuestSpec,
  deadline: Deadline,
): Promise<void> {
  const image = await imageFor(connection, storage, spec, deadline);
  await deleteVolume(connection, storage.pool, rootVolume(spec.instanceId), deadline);
  const xml = volumeXml(rootVolume(spec.instanceId), spec.size.diskGib * bytesPerGib, spec.diskFormat);
  await connection.storageVolCreateXMLFrom(storage.pool, xml, image, 0, deadline.call('copy the image'));
}

/** Written anew each time: what it holds depends on the spec alone. */
export async function writeSeed(
  connection: Connection,
  { pool }: HostStorage,
  spec: GuestSpec,
  deadline: Deadline,
): Promise<void> {
  const bytes = seedOf(spec);
  const name = seedVolume(spec.instanceId);
  await deleteVolume(connection, pool, name, deadline);
  const volume = await connection.storageVolCreateXML(
    pool,
    volumeXml(name, bytes.length, 'raw'),
    0,
    deadline.call('create the seed'),
  );
  const stream = await connection.storageVolUpload(
    volume,
    0,
    bytes.length,
    0,
    deadline.call('write the seed'),
  );
  await deadline.race('write the seed', pipeline(Readable.from([bytes]), stream));
}

function seedOf(spec: GuestSpec): Buffer {
  try {
    return seedImage(spec);
  } catch (error) {
    if (error instanceof RangeError)
      throw new HypervisorRefusedError(`user data and keys: ${error.message}`, { cause: error });
    throw error;
  }
}
