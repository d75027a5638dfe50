import type { GuestSpec } from '@bellows/operations/ports/host-driver';
import { stringify } from 'yaml';
import { fat12Image } from './fat12.js';

type SeedSpec = Pick<GuestSpec, 'instanceId' | 'hostname' | 'nic' | 'sshKeys' | 'userData'>;

/** Every string is quoted and stays on its line, so that no value can become structure. */
const yaml = (value: object): string =>
  stringify(value, {
    lineWidth: 0,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    aliasDuplicateObjects: false,
  });

const networkConfig = ({ nic }: SeedSpec): object => ({
  version: 2,
  ethernets: {
    eth0: {
      match: { macaddress: nic.mac },
      'set-name': 'eth0',
      dhcp4: false,
      addresses: [`${nic.privateAddress}/${nic.prefixLength}`],
      gateway4: nic.gateway,
      nameservers: { addresses: [...nic.nameservers] },
    },
  },
});

/** The files of a NoCloud seed (cloud-init's "NoCloud" datasource, network configuration version 2). */
export const seedFiles = (spec: SeedSpec): ReadonlyMap<string, string> =>
  new Map([
    [
      'meta-data',
      yaml({
        'instance-id': spec.instanceId,
        'local-hostname': spec.hostname,
        'public-keys': [...spec.sshKeys],
      }),
    ],
    ['user-data', spec.userData ?? '#cloud-config\n{}\n'],
    ['network-config', yaml(networkConfig(spec))],
  ]);

/** A disk image labelled `cidata`. Throws RangeError when user data and keys exceed its 1.4 MB. */
export function seedImage(spec: SeedSpec): Buffer {
  const files = [...seedFiles(spec)].map(([name, text]) => [name, Buffer.from(text, 'utf8')] as const);
  return fat12Image('cidata', new Map(files));
}
