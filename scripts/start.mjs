// npm start: installs and builds what is missing, then is the cloud until it is told to stop.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main, prepare, root } from './prepare.mjs';

await main(async () => {
  await prepare();
  // In this process: a signal reaches the supervisor itself, and its exit code is ours.
  const stack = join(root, 'apps/stack/dist/main.js');
  process.argv[1] = stack;
  await import(pathToFileURL(stack).href);
});
