import { exit } from './exit.js';
import { run } from './run.js';

const { stdin, stdout, stderr, env } = process;
const interrupted = new AbortController();
process.once('SIGINT', () => {
  // A second Ctrl-C ends at once.
  process.once('SIGINT', () => process.exit(exit.interrupted));
  interrupted.abort();
});
// Whoever reads us may stop early, such as `head`.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exit.ok : exit.refused);
});

const io = { env, cwd: process.cwd(), stdin, stdout, stderr, interrupted: interrupted.signal };
process.exitCode = await run(process.argv.slice(2), io);
// A prompt may have left stdin open.
stdin.unref?.();
