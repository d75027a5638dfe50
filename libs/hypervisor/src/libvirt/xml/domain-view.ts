import { markIn, type InstanceMark } from '../mark.js';
import { agentChannel } from './domain.js';
import { at, childrenOf, mibAt, readXml, type XmlNode } from './read.js';
import { writeXml } from './write.js';

/** The virtio-mem device of a guest, as libvirt shows it. What it has plugged is asked of QEMU: see `observe-guest`. */
export interface ElasticMemory {
  readonly sizeMib: number;
  readonly requestedMib: number;
  readonly node: XmlNode;
}

/** What the driver reads in a domain's description. */
export interface DomainView {
  readonly mark: InstanceMark | null;
  readonly bootMib: number;
  readonly elastic: ElasticMemory | null;
  readonly vcpus: { readonly current: number; readonly max: number };
  readonly agentConnected: boolean;
}

function elasticOf(domain: XmlNode): ElasticMemory | null {
  const node = childrenOf(at(domain, 'devices'), 'memory').find(
    (d) => d.attributes['model'] === 'virtio-mem',
  );
  if (!node) return null;
  const mib = (what: string): number => mibAt(node, 'target', what) ?? 0;
  return { sizeMib: mib('size'), requestedMib: mib('requested'), node };
}

function vcpusOf(domain: XmlNode): DomainView['vcpus'] {
  const node = at(domain, 'vcpu');
  const max = Number(node?.text ?? 0);
  return { current: Number(node?.attributes['current'] ?? max), max };
}

export function viewDomain(xml: string): DomainView {
  const domain = readXml(xml);
  const elastic = elasticOf(domain);
  const channel = childrenOf(at(domain, 'devices'), 'channel')
    .map((c) => at(c, 'target')?.attributes)
    .find((target) => target?.['name'] === agentChannel);
  return {
    mark: markIn(domain),
    // libvirt's <memory> counts the devices too
    bootMib: (mibAt(domain, 'memory') ?? 0) - (elastic?.sizeMib ?? 0),
    elastic,
    vcpus: vcpusOf(domain),
    agentConnected: channel?.['state'] === 'connected',
  };
}

/** The same device, asking for another amount: libvirt finds it by its alias and address. */
export function requestXml({ node }: ElasticMemory, requestedMib: number): string {
  const target = at(node, 'target');
  const kib = (what: string) => ({ '@unit': 'KiB', '#': (mibAt(target, what) ?? 0) * 1024 });
  const prefixed = (of: XmlNode | undefined) =>
    of && Object.fromEntries(Object.entries(of.attributes).map(([name, value]) => [`@${name}`, value]));
  return writeXml({
    memory: {
      '@model': 'virtio-mem',
      target: {
        size: kib('size'),
        node: at(target, 'node')?.text ?? '0',
        block: kib('block'),
        requested: { '@unit': 'KiB', '#': requestedMib * 1024 },
      },
      alias: prefixed(at(node, 'alias')),
      address: prefixed(at(node, 'address')),
    },
  });
}
