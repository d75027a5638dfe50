import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HostSource } from '@bellows/config/host-sources';
import { registryBind, registryProgram, RegistryStart } from './registry.js';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'bellows-host-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const hostFile = (facts: object): string => {
  const path = join(folder, 'host.json');
  writeFileSync(path, JSON.stringify(facts));
  return path;
};
const libvirt = [{ driver: 'libvirt', uri: 'qemu:///system' } as HostSource];
const door = { port: null, bind: null };

describe('where the registry listens', () => {
  it('is loopback, and on a Bellows host the gateway of its guests', async () => {
    const file = hostFile({ privateGateway: '127.0.0.9', registryPort: 5001 });
    expect(await registryBind({ hosts: [], registryDoor: door }, file)).toEqual({
      addresses: ['127.0.0.1'],
      guestPort: null,
    });
    expect(await registryBind({ hosts: libvirt, registryDoor: door }, file)).toEqual({
      addresses: ['127.0.0.1', '127.0.0.9'],
      guestPort: 5001,
    });
  });

  it('is never an address that is not this machine’s', async () => {
    const file = hostFile({ privateGateway: '203.0.113.77' });
    const { addresses } = await registryBind({ hosts: libvirt, registryDoor: door }, file);
    expect(addresses).toEqual(['127.0.0.1']);
    const none = join(folder, 'none.json');
    expect((await registryBind({ hosts: libvirt, registryDoor: door }, none)).addresses).toEqual([
      '127.0.0.1',
    ]);
  });

  it('is where somebody said', async () => {
    const registryDoor = { port: 5002, bind: ['192.0.2.1'] };
    const { addresses } = await registryBind({ hosts: libvirt, registryDoor }, '/nowhere');
    expect(addresses).toEqual(['192.0.2.1']);
  });
});

it('is installed or not', () => {
  writeFileSync(join(folder, 'docker-registry'), '');
  expect(registryProgram(`/nowhere:${folder}`)).toBe(join(folder, 'docker-registry'));
});

it('says when guests cannot reach the port that was found', () => {
  const start = new RegistryStart({ home: folder, registryDoor: door }, 'program', {
    addresses: ['127.0.0.1', '10.77.0.1'],
    guestPort: 5000,
  });
  expect(start.problem).toBeNull();
  const again = start.heard({ ready: true, port: 5000, control: 'http://127.0.0.1:9', authorityFile: '/ca' });
  expect(again).toEqual({ BELLOWS_REGISTRY_CONTROL: '127.0.0.1:9', BELLOWS_REGISTRY_PORT: '5000' });
  expect([start.address, start.problem]).toEqual(['127.0.0.1:5000', null]);
  start.heard({ ready: true, port: 40123, control: 'http://127.0.0.1:9', authorityFile: '/ca' });
  expect(start.problem).toContain('port 5000');
});
