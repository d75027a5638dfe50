/** What `BELLOWS_HOSTS` asks to enrol at the first start. */
export type HostSource =
  | {
      readonly driver: 'sim';
      readonly count: number;
      readonly vcpus: number;
      readonly ramMib: number;
      readonly diskGib: number;
    }
  | { readonly driver: 'libvirt'; readonly uri: string };

export const hostSourcesExpected =
  'servers separated by commas, each sim:COUNT (1 to 10000), sim:COUNTxVCPUScMEMORYg such as sim:8x64c256g, ' +
  'or libvirt:URI such as libvirt:qemu:///system';

/** A modelled server without a size of its own: 16 CPUs, 64 GiB. */
const modelled = { vcpus: 16, ramGib: 64 };
/** GiB of disk a GiB of memory, so that memory and not disk decides how many small guests a server takes. */
const diskPerRamGib = 32;

const simulated = /^sim:([1-9]\d{0,4})(?:x([1-9]\d{0,3})c([1-9]\d{0,4})g)?$/;
const libvirt = /^libvirt:([a-z][a-z0-9+]*:\/\/[^\s,]*)$/;

function parseOne(text: string): HostSource | null {
  const sim = simulated.exec(text);
  if (sim) {
    const ramGib = Number(sim[3] ?? modelled.ramGib);
    const count = Number(sim[1]);
    if (count > 10_000) return null;
    return {
      driver: 'sim',
      count,
      vcpus: Number(sim[2] ?? modelled.vcpus),
      ramMib: ramGib * 1024,
      diskGib: ramGib * diskPerRamGib,
    };
  }
  const uri = libvirt.exec(text)?.[1];
  return uri ? { driver: 'libvirt', uri } : null;
}

/** Null when any part cannot be read; an empty text asks for no server. */
export function parseHostSources(text: string): readonly HostSource[] | null {
  if (text.trim() === '') return [];
  const sources = text.split(',').map((part) => parseOne(part.trim()));
  return sources.every((source) => source !== null) ? sources : null;
}
