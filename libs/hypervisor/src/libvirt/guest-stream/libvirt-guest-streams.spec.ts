import type { HostId, InstanceId } from '@bellows/domain/ids';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import { describeGuestStreams } from '../../guest-stream.contract.js';
import { GuestProbe } from '../../guest-stream-probe.fixture.js';
import type { DialChannel } from './channel.js';
import { FakeGuest } from './fake-guest.fixture.js';
import { LibvirtGuestStreams } from './libvirt-guest-streams.js';
import { socketPair } from './socket-pair.fixture.js';

describeGuestStreams(
  'the multiplexer and a guest that knows it',
  async () => {
    const running = 'i-00000000000000000001' as InstanceId;
    const probe = new GuestProbe();
    const cables = new Set<() => void>();
    let runs = true;
    const dial: DialChannel = async (_host, instanceId) => {
      if (!runs || instanceId !== running) throw new GuestUnreachableError('not-running', 'it does not run');
      const [near, far] = await socketPair();
      new FakeGuest(far, (stream) => probe.serve(stream));
      let tell: ((error: Error) => void) | undefined;
      cables.add(() => tell?.(new GuestUnreachableError('not-running', 'it has stopped')));
      return {
        transport: near,
        onGone: (listener) => void (tell = listener),
        close: async () => void far.destroy(),
      };
    };
    const streams = new LibvirtGuestStreams({ dial });
    return {
      streams,
      another: () => new LibvirtGuestStreams({ dial }),
      host: { id: 'h-fake' as HostId, driver: 'libvirt', uri: 'fake:' },
      running,
      stopped: 'i-00000000000000000002' as InstanceId,
      absent: 'i-00000000000000000003' as InstanceId,
      stopGuest: async () => {
        runs = false;
        for (const cut of cables) cut();
      },
      close: () => streams.close(),
    };
  },
  { testMs: 20_000, fixtureMs: 5_000 },
);
