import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Connection } from './connection.js';
import { LibvirtTimeoutError } from './errors.js';

const socket = process.env['BELLOWS_TEST_LIBVIRT_SOCKET'] ?? '/run/libvirt/libvirt-sock';
/** A file with the pid of a libvirtd that may be stopped for two seconds; without it there is nothing to measure. */
const pidFile = process.env['BELLOWS_TEST_LIBVIRT_PIDFILE'];

(pidFile ? describe : describe.skip)('a stalled libvirtd', () => {
  it('holds up its own calls, never the event loop', async () => {
    const connection = await Connection.open(`test+unix:///default?socket=${socket}`, { timeoutMs: 2_000 });
    const pid = Number(readFileSync(pidFile as string, 'utf8'));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    process.kill(pid, 'SIGSTOP');
    try {
      delay.enable();
      const calls = Array.from({ length: 8 }, () => connection.connectGetHostname());
      const settled = Promise.allSettled(calls);
      const started = performance.now();
      await readFile(pidFile as string);
      const readMs = performance.now() - started;
      const outcomes = await settled;
      delay.disable();
      const maxMs = delay.max / 1e6;
      process.stdout.write(
        `8 stalled calls: event loop max ${maxMs.toFixed(1)} ms, readFile ${readMs.toFixed(1)} ms\n`,
      );
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LibvirtTimeoutError) });
      }
      expect(maxMs).toBeLessThan(100);
      expect(readMs).toBeLessThan(100);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await connection.connectGetHostname({ timeoutMs: 10_000 })).not.toBe('');
    await connection.close();
  });
});
