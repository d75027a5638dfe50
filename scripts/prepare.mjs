// What every command of this repository needs first: the right Node, the dependencies, a build.
// Node's own modules only: this runs when node_modules does not exist yet.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the reader can do something about; shown without a stack. */
export class Unready extends Error {}

const say = (line) => process.stderr.write(`${line}\n`);

/** Installs and builds what is missing or changed; safe to run in several processes of one clone at once. */
export async function prepare({ andBuild = true } = {}) {
  checkNode();
  checkWritable();
  await withLock(
    join(root, '.prepare.lock'),
    (pid) => say(`process ${pid} installs or builds here; waiting for it`),
    async () => {
      if (!dependenciesAgree()) await install();
      if (andBuild) await build();
    },
  );
}

/** Runs the script's body; an `Unready` becomes one line on stderr and exit code 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof Unready)) throw error;
    say(`bellows: ${error.message}`);
    process.exitCode = 1;
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Unready(`Node ${process.versions.node} is too old; Bellows needs 20.19 or newer`);
}

function checkWritable() {
  try {
    accessSync(root, constants.W_OK);
  } catch {
    throw new Unready(`${root} is not writable for this user; clone it somewhere that is`);
  }
}

/**
 * Whether node_modules is what package-lock.json says. npm writes the hidden lock file last, so an install that
 * was cut off has none; comparing packages (not a hash) also knows what `npm install` did.
 */
export function dependenciesAgree() {
  const packagesOf = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  let installed;
  try {
    installed = packagesOf('node_modules/.package-lock.json');
  } catch {
    return false;
  }
  return Object.entries(packagesOf('package-lock.json')).every(([path, wanted]) => {
    // Workspaces and what other platforms need are no downloads.
    if (!path.includes('node_modules/') || wanted.link) return path === '' || existsSync(join(root, path));
    const found = installed[path];
    if (!found) return Boolean(wanted.optional || wanted.peer);
    return found.version === wanted.version && existsSync(join(root, path));
  });
}

async function install() {
  say('Installing dependencies: about a minute, once.');
  const npm = process.env.npm_execpath;
  const command = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const { code, missing } = await run([
    ...command,
    'ci',
    // The compiler is a development dependency; NODE_ENV=production must not leave it out.
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  if (missing) throw new Unready('npm is not installed; it comes with Node');
  if (code !== 0) throw new Unready(`npm ci failed (${code}); what it said is above`);
}

/** `tsc -b` looks by itself at what changed; when nothing did it takes a second or two. */
async function build() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const began = Date.now();
  const notice = setTimeout(() => say('Building.'), 2_500);
  const { code } = await run([process.execPath, tsc, '-b']);
  clearTimeout(notice);
  if (code !== 0) throw new Unready('the build failed; what tsc said is above');
  if (Date.now() - began > 10_000) say(`Built in ${Math.round((Date.now() - began) / 1000)} s.`);
}

/** Output goes to stderr, so that stdout carries only what the command itself says. */
function run([program, ...args]) {
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 2, 2] });
    child.once('error', (error) => done({ code: error.message, missing: error.code === 'ENOENT' }));
    child.once('exit', (code, signal) => done({ code: code ?? signal }));
  });
}
