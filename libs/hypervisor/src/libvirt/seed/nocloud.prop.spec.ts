import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { InstanceId } from '@bellows/domain/ids';
import { elasticSpec } from '../guest-spec.fixture.js';
import { fat12Bytes } from './fat12.js';
import { seedFiles, seedImage } from './nocloud.js';

const spec = elasticSpec('i-00000000000000000001' as InstanceId, 7);
const hostile = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom(
    '\n- evil',
    ': x',
    'a\n"b": c',
    '*a',
    '&a',
    '!!js',
    '---\n',
    '...',
    '#',
    '"',
    '\\',
    "'",
    '\u2028',
    '\u0085',
    'no',
    '0x1f',
    '~',
  ),
  fc.stringMatching(/^[\n\t :#"'\\[\]{}&*!|>%@`,-]{0,20}$/),
);

describe('a seed', () => {
  it('carries names and keys as they are, whatever is in them', () => {
    fc.assert(
      fc.property(
        hostile,
        fc.array(hostile, { maxLength: 4 }),
        fc.array(hostile, { maxLength: 3 }),
        (hostname, sshKeys, nameservers) => {
          const files = seedFiles({ ...spec, hostname, sshKeys, nic: { ...spec.nic, nameservers } });
          expect(parse(files.get('meta-data')!)).toEqual({
            'instance-id': spec.instanceId,
            'local-hostname': hostname,
            'public-keys': sshKeys,
          });
          const network = parse(files.get('network-config')!);
          expect(Object.keys(network)).toEqual(['version', 'ethernets']);
          expect(network.ethernets.eth0.nameservers).toEqual({ addresses: nameservers });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives the one interface, found by its MAC, its static address', () => {
    const network = parse(seedFiles(spec).get('network-config')!);
    expect(network).toEqual({
      version: 2,
      ethernets: {
        eth0: {
          match: { macaddress: spec.nic.mac },
          'set-name': 'eth0',
          dhcp4: false,
          addresses: [`${spec.nic.privateAddress}/16`],
          gateway4: '10.77.0.1',
          nameservers: { addresses: ['10.77.0.1'] },
        },
      },
    });
  });

  it('hands user data on untouched, and always has some', () => {
    const userData = '#!/bin/sh\necho "hé"\n';
    expect(seedFiles({ ...spec, userData }).get('user-data')).toBe(userData);
    expect(seedFiles(spec).get('user-data')).toMatch(/^#cloud-config\n/);
  });

  it('is one small image; more than it can hold is refused', () => {
    expect(seedImage(spec).length).toBe(fat12Bytes);
    expect(() => seedImage({ ...spec, userData: 'x'.repeat(fat12Bytes) })).toThrow(RangeError);
  });
});
