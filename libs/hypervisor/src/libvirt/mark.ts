import { createHash } from 'node:crypto';
import type { InstanceId } from '@bellows/domain/ids';
import type { GuestNic } from '@bellows/operations/ports/host-driver';
import type { XmlContent } from './xml/write.js';
import { writeXml } from './xml/write.js';
import { childrenOf, readXml, type XmlNode } from './xml/read.js';

export const markUri = 'urn:bellows:instance:1';
export const markPrefix = 'bellows';

/** What a guest of ours carries in its libvirt metadata. A domain without it is never touched. */
export interface InstanceMark {
  readonly controllerId: string;
  readonly instanceId: InstanceId;
  readonly fence: number;
  /** MiB that the memory limit allows beyond the guest's own; kept here so that `held` outlives a change of it. */
  readonly overheadMib: number;
  /** Only forwards: a disk that a crash cut short is never booted, and volumes alone are no guest yet. */
  readonly stage: 'copying' | 'volumes' | 'guest';
  readonly nic: Pick<GuestNic, 'tap' | 'mac' | 'privateAddress' | 'publicAddress'>;
}

const attributesOf = (mark: InstanceMark): XmlContent => ({
  '@controller': mark.controllerId,
  '@id': mark.instanceId,
  '@fence': mark.fence,
  '@overhead': mark.overheadMib,
  '@stage': mark.stage,
});

const nicOf = ({ nic }: InstanceMark): XmlContent => ({
  '@tap': nic.tap,
  '@mac': nic.mac,
  '@private': nic.privateAddress,
  '@public': nic.publicAddress ?? undefined,
});

/** As it stands in a domain's `<metadata>`; the host's libvirt hook reads it there. */
export const markElement = (mark: InstanceMark): XmlContent => ({
  [`${markPrefix}:instance`]: {
    [`@xmlns:${markPrefix}`]: markUri,
    ...attributesOf(mark),
    [`${markPrefix}:nic`]: nicOf(mark),
  },
});

/** As virDomainSetMetadata takes it: libvirt adds the prefix to every element. */
export const markXml = (mark: InstanceMark): string =>
  writeXml({ instance: { ...attributesOf(mark), nic: nicOf(mark) } });

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

/** Reads the element with or without its prefix; null when it is not a whole mark. */
export function readMark(element: XmlNode): InstanceMark | null {
  const { controller, id, fence, overhead, stage } = element.attributes;
  const nic = element.children.find((child) => localName(child.name) === 'nic')?.attributes;
  if (!controller || !id || !/^\d{1,15}$/.test(fence ?? '') || !/^\d{1,7}$/.test(overhead ?? '') || !nic)
    return null;
  return {
    controllerId: controller,
    instanceId: id as InstanceId,
    fence: Number(fence),
    overheadMib: Number(overhead),
    stage: stage === 'volumes' || stage === 'guest' ? stage : 'copying',
    nic: {
      tap: nic['tap'] ?? '',
      mac: nic['mac'] ?? '',
      privateAddress: nic['private'] ?? '',
      publicAddress: nic['public'] ?? null,
    },
  };
}

/** @param text what virDomainGetMetadata answers. */
export const parseMark = (text: string): InstanceMark | null => readMark(readXml(text));

/** The mark in a whole domain description; null in a foreign one. */
export function markIn(domain: XmlNode): InstanceMark | null {
  const metadata = childrenOf(domain, 'metadata')[0];
  const element = metadata?.children.find(
    ({ name, attributes }) => localName(name) === 'instance' && Object.values(attributes).includes(markUri),
  );
  return element ? readMark(element) : null;
}

/** RFC 4122 version 5 of a name of ours: the same instance always has the same uuid. */
export function uuidOf(kind: 'instance' | 'owner', name: string): string {
  const digest = createHash('sha1').update(`urn:bellows:${kind}:${name}`).digest().subarray(0, 16);
  digest[6] = (digest[6]! & 0x0f) | 0x50;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
