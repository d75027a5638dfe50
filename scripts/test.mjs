// npm test [-- --all] [--json] [unit db …] [libs/domain …]
// Runs every suite this machine can run and names those it cannot. --all: leaving out or skipping one is a failure.
// --json: the last line is one JSON object instead of `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { main, prepare, root, Unready } from './prepare.mjs';
import { suites } from './suites.mjs';

await main(async () => {
  const { all, json, chosen, patterns } = readArguments(process.argv.slice(2));
  await prepare();
  const folder = mkdtempSync(join(tmpdir(), 'bellows-tests-'));
  const results = [];
  try {
    for (const suite of chosen) {
      const why = await suite.missing();
      results.push(why ? { suite, why } : { suite, ...(await runSuite(suite, patterns, folder)) });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.exitCode = report(results, all, json) ? 0 : 1;
});

/** Names of suites choose them; anything with a slash or a dot is a path jest narrows the tests to. */
function readArguments(args) {
  const words = args.filter((arg) => !['--', '--all', '--json'].includes(arg));
  const patterns = words.filter((word) => /[/.]/.test(word));
  const names = words.filter((word) => !patterns.includes(word));
  const known = suites.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown) throw new Unready(`there is no suite '${unknown}'; there are ${known.join(', ')}`);
  const chosen = suites.filter(({ name }) => names.length === 0 || names.includes(name));
  return { all: args.includes('--all'), json: args.includes('--json'), chosen, patterns };
}

async function runSuite(suite, patterns, folder) {
  process.stdout.write(`\n== ${suite.name}\n`);
  const output = join(folder, `${suite.name.replace(':', '-')}.json`);
  const began = Date.now();
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/jest/bin/jest.js'),
      ...['--selectProjects', suite.name],
      ...(suite.workers ? [`--maxWorkers=${suite.workers}`] : ['--runInBand']),
      ...['--json', `--outputFile=${output}`, '--passWithNoTests'],
      ...(patterns.length > 0 ? ['--testPathPatterns', ...patterns] : []),
    ],
    {
      cwd: root,
      // Its own group: what it leaves behind can be ended with it.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...suite.env?.(), NODE_OPTIONS: '--experimental-vm-modules --no-warnings' },
    },
  );
  const { code, late } = await endOf(child, suite.minutes * 60_000);
  const seconds = Math.round((Date.now() - began) / 1000);
  return { seconds, ...counted(output, code, late && `not done after ${suite.minutes} minutes`) };
}

/** Waits for the whole process group; a signal to us, or the end of its time, ends it. */
async function endOf(child, limitMs) {
  let late = false;
  const stop = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // All of it is gone.
    }
  };
  const end = async () => {
    stop('SIGTERM');
    await sleep(10_000, undefined, { ref: false });
    stop('SIGKILL');
  };
  let interrupted = false;
  const onSignal = () => {
    interrupted = true;
    void end();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const timer = setTimeout(() => {
    late = true;
    void end();
  }, limitMs);
  const code = await new Promise((done) => {
    child.once('error', () => done(1));
    child.once('exit', (exitCode) => done(exitCode ?? 1));
  });
  clearTimeout(timer);
  stop('SIGKILL');
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  if (interrupted) throw new Unready('interrupted');
  return { code, late };
}

/** A file that could not be loaded, and a run that broke off, count as a failure each. */
function counted(output, code, trouble) {
  let run;
  try {
    run = JSON.parse(readFileSync(output, 'utf8'));
  } catch {
    return {
      passed: 0,
      failed: 1,
      skipped: [],
      trouble: trouble || `jest ended with ${code}, without a result`,
    };
  }
  const skipped = run.testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => !['passed', 'failed'].includes(status))
      .map(({ fullName }) => fullName),
  );
  const failed = run.numFailedTests + run.numRuntimeErrorTestSuites;
  const odd = code !== 0 && failed === 0 ? `jest ended with ${code}` : undefined;
  return {
    passed: run.numPassedTests,
    failed: failed + (trouble || odd ? 1 : 0),
    skipped,
    trouble: trouble || odd,
  };
}

/** Says how it went; true when all is well. */
function report(results, all, json) {
  const say = (line) => process.stdout.write(`${line}\n`);
  const ran = results.filter(({ why }) => !why);
  const leftOut = results.filter(({ why }) => why);
  const skipped = ran.flatMap(({ suite, skipped: names }) => names.map((name) => `${suite.name}: ${name}`));
  const sum = (key) => ran.reduce((total, result) => total + result[key], 0);
  say('');
  for (const { suite, passed, failed, seconds, trouble } of ran)
    say(`${suite.name}: ${passed} passed, ${failed} failed, ${seconds} s${trouble ? ` (${trouble})` : ''}`);
  if (skipped.length > 0) say(`skipped tests:\n${skipped.map((name) => `  ${name}`).join('\n')}`);
  if (leftOut.length > 0) say('left out:');
  for (const { suite, why } of leftOut) say(`  ${suite.name}: ${why}`);
  const incomplete = all && (leftOut.length > 0 || skipped.length > 0);
  if (incomplete) say('--all: a suite was left out or a test skipped, so this run fails');
  const ok = sum('failed') === 0 && !incomplete;
  const totals = { passed: sum('passed'), failed: sum('failed'), skipped: skipped.length };
  const left = leftOut.map(({ suite, why }) => ({ suite: suite.name, why }));
  say(
    json
      ? JSON.stringify({ ok, ...totals, leftOut: left })
      : `${totals.passed} passed, ${totals.failed} failed`,
  );
  return ok;
}
