import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeApi } from './describe.js';

/** `npm run openapi` writes the contract; `npm run openapi -- --check` says whether it is what is committed. */
const path = fileURLToPath(new URL('../../../../openapi.json', import.meta.url));
const now = `${JSON.stringify(await describeApi(), null, 2)}\n`;
if (!process.argv.includes('--check')) {
  writeFileSync(path, now);
} else if (readFileSync(path, 'utf8') !== now) {
  process.stderr.write('openapi.json is not what the DTOs say; run npm run openapi -w @bellows/api.\n');
  process.exitCode = 1;
}
