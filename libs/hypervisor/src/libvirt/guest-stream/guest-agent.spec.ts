import { describe } from '@jest/globals';
import type { HostId, InstanceId } from '@bellows/domain/ids';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeGuestStreams, type GuestStreamsFixture } from '../../guest-stream.contract.js';
import { GuestProbe } from '../../guest-stream-probe.fixture.js';
import type { DialChannel } from './channel.js';
import { LibvirtGuestStreams } from './libvirt-guest-streams.js';
import { listenOnSocket } from './socket-pair.fixture.js';

const source = fileURLToPath(
  new URL('../../../../../infra/guest/streams/bellows-streams.c', import.meta.url),
);

async function makeFixture(): Promise<GuestStreamsFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'bellows-agent-'));
  const agent = join(folder, 'bellows-streams');
  const { status, stderr } = spawnSync('cc', ['-O2', '-o', agent, source]);
  if (status !== 0) throw new Error(stderr.toString());
  const docker = join(folder, 'docker.sock');
  const probe = new GuestProbe();
  const engine = createServer({ allowHalfOpen: true }, (socket) => probe.serve(socket)).listen(docker);
  await once(engine, 'listening');

  const running = 'i-00000000000000000001' as InstanceId;
  const ends = new Set<() => void>();
  let runs = true;
  /** Each channel has an agent of its own at its far end, as each port of a guest has one. */
  const dial: DialChannel = async (_host, instanceId) => {
    if (!runs || instanceId !== running) throw new GuestUnreachableError('not-running', 'it does not run');
    const port = await listenOnSocket();
    const accepted = port.accept();
    const child = spawn(agent, ['--port', port.path, '--docker', docker], { stdio: 'ignore' });
    ends.add(() => child.kill('SIGKILL'));
    return {
      transport: await accepted,
      onGone: () => undefined,
      close: async () => {
        child.kill('SIGKILL');
        await port.close();
      },
    };
  };
  const streams = new LibvirtGuestStreams({ dial });
  return {
    streams,
    another: () => new LibvirtGuestStreams({ dial }),
    host: { id: 'h-agent' as HostId, driver: 'libvirt', uri: 'agent:' },
    running,
    stopped: 'i-00000000000000000002' as InstanceId,
    absent: 'i-00000000000000000003' as InstanceId,
    stopGuest: async () => {
      runs = false;
      for (const end of ends) end();
    },
    close: async () => {
      await streams.close();
      engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const compiles = spawnSync('cc', ['--version']).status === 0;

(compiles ? describe : describe.skip)('where there is a C compiler', () => {
  const limits = { testMs: 30_000, fixtureMs: 30_000 };
  describeGuestStreams('the multiplexer and the program that guests have', makeFixture, limits);
});
