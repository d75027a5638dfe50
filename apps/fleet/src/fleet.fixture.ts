import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const secret = 'a-secret-for-tests-only';

/** Source files beside this one; a spec gives its own `import.meta.url`. */
const sourceOf = (name: string): URL => new URL(name, import.meta.url);

export interface SpawnedFleet {
  readonly url: string;
  readonly process: ChildProcess;
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** The fleet as a process of its own, from the sources. @param main beside this file */
export async function spawnFleet(
  home: string,
  env: Record<string, string> = {},
  main = 'main.ts',
): Promise<SpawnedFleet> {
  const child = spawn(
    process.execPath,
    ['--import', sourceOf('typescript-hooks.fixture.mjs').href, fileURLToPath(sourceOf(main))],
    {
      env: {
        PATH: process.env['PATH'],
        BELLOWS_HOME: home,
        BELLOWS_FLEET_SECRET: secret,
        BELLOWS_SIM_LATENCY: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let complaint = '';
  child.stderr!.on('data', (part: Buffer) => (complaint += part.toString()));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const line = await Promise.race([
    once(createInterface(child.stdout!), 'line').then(([first]) => first as string),
    exited.then((code) => Promise.reject(new Error(`the fleet exited with ${code}: ${complaint}`))),
  ]);
  const ready = JSON.parse(line) as { ready: boolean; listen: string };
  const end = (signal: NodeJS.Signals) => (child.kill(signal), exited);
  return {
    url: ready.listen,
    process: child,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  };
}

export async function temporaryHome(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'bellows-fleet-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
