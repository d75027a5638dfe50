// npm run dev: compiles on every change and starts the cloud anew once a build is without errors.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { main, prepare, root } from './prepare.mjs';

let stack = null;
let stopping = false;
/** One restart at a time; a change during one causes one more. */
let restarts = Promise.resolve();

await main(async () => {
  await prepare();
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const compiler = spawn(process.execPath, [tsc, '-b', '--watch', '--preserveWatchOutput'], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let changed = true;
  compiler.stdout.on('data', (chunk) => {
    const text = String(chunk);
    process.stdout.write(text);
    if (/File change detected/.test(text)) changed = true;
    if (!/Found 0 errors/.test(text) || !changed) return;
    changed = false;
    restarts = restarts.then(restart);
  });
  const stop = () => {
    if (stopping) return;
    stopping = true;
    compiler.kill('SIGTERM');
    restarts = restarts.then(endStack);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  await new Promise((done) => compiler.once('exit', done));
  stop();
  await restarts;
});

async function restart() {
  await endStack();
  if (stopping) return;
  stack = spawn(process.execPath, [join(root, 'apps/stack/dist/main.js')], {
    cwd: root,
    // Out of the terminal's group, so that Ctrl-C reaches it once, through us.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function endStack() {
  const child = stack;
  stack = null;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGINT');
  await Promise.race([gone, sleep(30_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
  await gone;
}
