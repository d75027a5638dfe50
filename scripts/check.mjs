// npm run check [-- lint format …]: everything that must hold of the code and can be said without running it.
// All checks run, also after one has failed; what a check said is shown when it failed.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { main, prepare, root, Unready } from './prepare.mjs';

const bin = (path) => [process.execPath, join(root, 'node_modules', path)];

const checks = [
  { name: 'build', what: 'tsc -b', run: () => run([...bin('typescript/bin/tsc'), '-b']) },
  {
    name: 'types',
    what: 'of the specs, fixtures and contracts too, which the build leaves out',
    run: () => run([...bin('typescript/bin/tsc'), '-p', 'tsconfig.spec.json']),
  },
  { name: 'lint', what: 'eslint', run: () => run([...bin('eslint/bin/eslint.js'), '--max-warnings=0', '.']) },
  {
    name: 'format',
    what: 'prettier; npm run format mends it',
    run: () => run([...bin('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.']),
  },
  {
    name: 'boundaries',
    what: 'imports run one way, without cycles',
    run: () =>
      run([
        ...bin('dependency-cruiser/bin/dependency-cruise.mjs'),
        ...['--config', '.dependency-cruiser.cjs', 'libs', 'apps', 'migrations', 'bench', 'e2e'],
      ]),
  },
  {
    name: 'openapi',
    what: 'openapi.json is what the DTOs say; npm run openapi mends it',
    run: () => run([process.execPath, 'apps/api/dist/docs/write-openapi.js', '--check']),
  },
  {
    name: 'api-client',
    what: 'the client is what openapi.json says; npm run openapi mends it',
    run: clientDrift,
  },
];

await main(async () => {
  const names = process.argv.slice(2).filter((arg) => arg !== '--');
  const unknown = names.find((name) => !checks.some((check) => check.name === name));
  if (unknown) throw new Unready(`no check '${unknown}': ${checks.map(({ name }) => name).join(', ')}`);
  await prepare({ andBuild: false });
  const failed = [];
  for (const { name, what, run: runCheck } of checks) {
    if (names.length > 0 && !names.includes(name)) continue;
    const began = Date.now();
    const { ok, said } = await runCheck();
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    process.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(11)} ${what} (${seconds} s)\n`);
    if (!ok) process.stdout.write(`${said.trimEnd()}\n`);
    if (!ok) failed.push(name);
  }
  process.stdout.write(failed.length > 0 ? `failed: ${failed.join(', ')}\n` : 'all checks hold\n');
  process.exitCode = failed.length > 0 ? 1 : 0;
});

/** Generates the client beside the committed one and compares. */
async function clientDrift() {
  const committed = join(root, 'libs/api-client/src/schema.ts');
  const fresh = join(root, `libs/api-client/.schema.${process.pid}.ts`);
  try {
    const generator = ['libs/api-client/node_modules', 'node_modules']
      .map((folder) => join(root, folder, 'openapi-typescript/bin/cli.js'))
      .find((path) => existsSync(path));
    const made = await run([process.execPath, generator, 'openapi.json', '-o', fresh]);
    if (!made.ok) return made;
    const same = readFileSync(fresh, 'utf8') === readFileSync(committed, 'utf8');
    return { ok: same, said: 'libs/api-client/src/schema.ts is not what openapi.json says' };
  } finally {
    rmSync(fresh, { force: true });
  }
}

function run([program, ...args]) {
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (said += text));
    }
    child.once('error', (error) => done({ ok: false, said: error.message }));
    child.once('close', (code) => done({ ok: code === 0, said }));
  });
}
