import { describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Fence } from '@bellows/operations/ports/host-driver';
import { hostOf, serverOf, specOf } from '@bellows/hypervisor/sim/guest-spec.fixture';
import { SimDriver } from '@bellows/hypervisor/sim/sim-driver';
import { SimGuestStreams } from '@bellows/hypervisor/sim/guest-stream';
import { secret, temporaryHome } from './fleet.fixture.js';
import { runFleet } from './fleet-process.js';

const host = hostOf('alpha');
const fenceOf = (instanceId: Fence['instanceId'], token: number): Fence => ({
  controllerId: 'controller-one',
  instanceId,
  token,
  deadline: Date.now() + 10_000,
});

/** One request to a guest's engine, over a stream into the guest. */
async function docker(
  streams: SimGuestStreams,
  id: Fence['instanceId'],
  method: string,
  path: string,
  body?: object,
) {
  const stream = await streams.open(host, id, 'docker');
  const data = body ? JSON.stringify(body) : '';
  const headers = {
    host: 'docker',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(data),
  };
  return new Promise<{ status: number; json: any }>((resolve, reject) => {
    const createConnection = () => stream as Duplex as never;
    const asked = request({ method, path, headers, createConnection }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => {
        stream.destroy();
        resolve({
          status: answer.statusCode!,
          json: text.startsWith('{') && !text.trim().includes('\n') ? JSON.parse(text) : text,
        });
      });
    });
    asked.on('error', reject).end(data);
  });
}

describe('the container engine of a modelled guest', () => {
  it('has the size of its guest, live; stops with it; and outlives the fleet process', async () => {
    const home = await temporaryHome();
    const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
    const settings = {
      listen,
      folder: `${home.path}/fleet`,
      latencyScale: 0,
      seed: 'engines',
      secret,
      sync: false,
    };
    const fail = (error: Error) => {
      throw error;
    };
    const start = async () => {
      const fleet = await runFleet(settings, fail);
      const address = { url: fleet.listen, secret };
      return { fleet, driver: new SimDriver(address), streams: new SimGuestStreams(address) };
    };
    let { fleet, driver, streams } = await start();
    const stop = async () => {
      await streams.close();
      await driver.close();
      await fleet.stop();
    };
    await driver.registerHost(serverOf('alpha'));
    const spec = specOf();
    const id = spec.instanceId;
    await driver.ensureVolumes(host, fenceOf(id, 1), spec);
    await driver.ensureStarted(host, fenceOf(id, 1), spec);
    const ask = (method: string, path: string, body?: object) => docker(streams, id, method, path, body);
    const mib = 1024 * 1024;
    expect((await ask('GET', '/info')).json).toMatchObject({
      NCPU: spec.size.vcpus,
      MemTotal: spec.size.ramMib * mib,
    });
    await driver.ensureMemory(host, fenceOf(id, 2), spec.size.ramMib + 256);
    expect((await ask('GET', '/info')).json.MemTotal).toBe((spec.size.ramMib + 256) * mib);

    await ask('POST', '/images/create?fromImage=busybox&tag=latest');
    const create = {
      Image: 'busybox',
      Cmd: ['sleep', '600'],
      HostConfig: { RestartPolicy: { Name: 'always' } },
    };
    const container = (await ask('POST', '/containers/create?name=app', create)).json.Id;
    expect((await ask('POST', '/containers/app/start')).status).toBe(204);
    const state = async () => (await ask('GET', '/containers/app/json')).json.State;
    const since = (await state()).StartedAt;
    expect((await state()).Status).toBe('running');

    await driver.ensureStopped(host, fenceOf(id, 3), 0);
    await expect(ask('GET', '/info')).rejects.toThrow('is not running');
    await driver.ensureStarted(host, fenceOf(id, 4), spec);
    expect(await state()).toMatchObject({ Status: 'running' });
    expect((await state()).StartedAt).not.toBe(since);

    await stop();
    ({ fleet, driver, streams } = await start());
    expect((await ask('GET', '/containers/app/json')).json).toMatchObject({
      Id: container,
      State: { Status: 'running' },
    });
    await stop();
    await home.remove();
  });
});
