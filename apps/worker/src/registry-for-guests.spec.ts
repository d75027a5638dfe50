import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { registryForGuests } from './registry-for-guests.js';

it('is at the first address that guests can mean, with its authority', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bellows-ca-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, 'a certificate');
  const registry = {
    url: '',
    secret: '',
    keyFile: '',
    caFile,
    addresses: ['127.0.0.1:5000', '10.77.0.1:5000'],
  };
  const own = ['127.0.0.1:5000', 'localhost:5000', '[::1]:5000'];
  expect(registryForGuests({ registry })).toEqual({ address: '10.77.0.1:5000', authority: 'a certificate' });
  expect(registryForGuests({ registry: { ...registry, addresses: own } })).toBeUndefined();
  expect(registryForGuests({ registry: null })).toBeUndefined();
  rmSync(folder, { recursive: true });
});
