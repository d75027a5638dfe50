import type { Connection } from '@bellows/node-libvirt/connection';
import { isNoNWFilter } from '@bellows/node-libvirt/errors';
import { ForeignOwnerError } from '@bellows/operations/ports/driver-errors';
import type { Deadline } from './deadline.js';
import { uuidOf } from './mark.js';
import { at, readXml } from './xml/read.js';
import { writeXml } from './xml/write.js';

/**
 * The mark of the controller that a host belongs to is a network filter that no guest uses: libvirt refuses a
 * second one of the same name and another uuid, so taking possession is one atomic call, and its only rule's
 * comment carries the controller's id. A volume would be exclusive, but empty until it is written to.
 */
export const ownerFilter = 'bellows-owner';

const filterXml = (controllerId: string): string =>
  writeXml({
    filter: {
      '@name': ownerFilter,
      '@chain': 'root',
      uuid: uuidOf('owner', controllerId),
      rule: {
        '@action': 'accept',
        '@direction': 'inout',
        '@priority': 500,
        all: { '@comment': controllerId },
      },
    },
  });

/** Null when nobody has enrolled the host. */
export async function ownerOf(connection: Connection, deadline: Deadline): Promise<string | null> {
  try {
    const filter = await connection.nwfilterLookupByName(ownerFilter, deadline.call('look up the owner'));
    const xml = await connection.nwfilterGetXMLDesc(filter, 0, deadline.call('read the owner'));
    return at(readXml(xml), 'rule', 'all')?.attributes['comment'] ?? '';
  } catch (error) {
    if (isNoNWFilter(error)) return null;
    throw error;
  }
}

async function refuseOthers(
  connection: Connection,
  controllerId: string,
  deadline: Deadline,
): Promise<string | null> {
  const owner = await ownerOf(connection, deadline);
  if (owner !== null && owner !== controllerId)
    throw new ForeignOwnerError(`the host belongs to controller ${owner}`);
  return owner;
}

export async function enrol(connection: Connection, controllerId: string, deadline: Deadline): Promise<void> {
  if (!/^[\x20-\x7e]{1,200}$/.test(controllerId))
    throw new TypeError('a controller id is 1 to 200 ASCII characters');
  if ((await refuseOthers(connection, controllerId, deadline)) !== null) return;
  try {
    await connection.nwfilterDefineXML(filterXml(controllerId), deadline.call('enrol'));
  } catch (error) {
    // Somebody else was faster, or it is a failure of its own.
    await refuseOthers(connection, controllerId, deadline);
    throw error;
  }
}

export async function release(
  connection: Connection,
  controllerId: string,
  deadline: Deadline,
): Promise<void> {
  if ((await refuseOthers(connection, controllerId, deadline)) === null) return;
  const filter = { name: ownerFilter, uuid: uuidOf('owner', controllerId) };
  try {
    await connection.nwfilterUndefine(filter, deadline.call('release'));
  } catch (error) {
    if (!isNoNWFilter(error)) throw error;
  }
}
