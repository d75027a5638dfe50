import { modelledNames } from '../shell/find-program.js';
import type { Program } from '../shell/process.js';
import { columnPrograms } from './columns.js';
import { filePrograms } from './files.js';
import { loadPrograms } from './load.js';
import { networkPrograms } from './network.js';
import { serverPrograms } from './servers.js';
import { sh } from './sh.js';
import { systemPrograms } from './system.js';
import { textPrograms } from './text.js';

/** Every modelled program, by the name its modelled binary carries. */
export const programs: ReadonlyMap<string, Program> = new Map([
  ['sh', sh],
  ...textPrograms,
  ...columnPrograms,
  ...filePrograms,
  ...systemPrograms,
  ...loadPrograms,
  ...serverPrograms,
  ...networkPrograms,
]);

for (const name of programs.keys()) modelledNames.add(name);

/** What an image has only when it is made for it. */
const extras = new Set([
  'nginx',
  'python3.9',
  'python3.11',
  'node',
  'hello',
  'apt-get',
  'apt',
  'apk',
  'pip',
  'npm',
  'curl',
]);

/** Names of a small Unix's modelled programs; `ash` is another name of `sh`. */
export const basePrograms: readonly string[] = [
  'ash',
  ...[...programs.keys()].filter((name) => !extras.has(name)),
];
