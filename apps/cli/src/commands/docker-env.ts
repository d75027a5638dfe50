import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { Option, type Command } from 'commander';
import { DockerFolder, ownFolder } from '../docker/folder.js';
import { howToUse, shellOf, shells, spoken, type Shell, type Variables } from '../docker/shells.js';
import { UsageError } from '../exit.js';
import { parseCount } from '../format/units.js';
import { instanceId } from '../names.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';

interface DockerEnvOptions {
  readonly tls?: boolean;
  readonly ttl?: number;
  readonly shell?: Shell;
  readonly configDir?: string;
}

const tlsOff = { DOCKER_TLS: null, DOCKER_TLS_VERIFY: null, DOCKER_CERT_PATH: null };

/** The path names the instance, a header of the client's own configuration the token. */
async function byHeader(session: Session, id: string, folder: DockerFolder): Promise<Variables> {
  const { url, token } = await session.connected;
  await folder.writeHeader(`Bearer ${token}`);
  const { protocol, hostname, port, pathname } = new URL(url);
  const secure = protocol === 'https:';
  const base = `${hostname}:${port || (secure ? 443 : 80)}${pathname.replace(/\/+$/, '')}`;
  // Over TLS a docker client trusts what is in ca.pem, and nothing else.
  if (secure) await folder.write('ca.pem', await trusted(session));
  return {
    DOCKER_HOST: `tcp://${base}/v1/instances/${id}/docker`,
    DOCKER_CONFIG: folder.path,
    ...tlsOff,
    ...(secure && { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder.path }),
  };
}

/** Whom this command itself trusts. */
async function trusted({ io }: Session): Promise<string> {
  const extra = io.env['NODE_EXTRA_CA_CERTS'];
  const more = extra ? await readFile(extra, 'utf8').catch(() => '') : '';
  return `${[...rootCertificates, more].join('\n')}\n`;
}

/** A certificate names both. */
async function byCertificate(
  session: Session,
  id: string,
  folder: DockerFolder,
  ttlMinutes: number | undefined,
): Promise<Variables> {
  const api = await session.api;
  const { data } = await api.POST('/v1/instances/{id}/docker-certificates', {
    params: { path: { id } },
    body: { ttlMinutes },
  });
  const { ca, certificate, key, endpoint, expiresAt } = data!;
  await folder.write('ca.pem', ca);
  await folder.write('cert.pem', certificate);
  await folder.write('key.pem', key);
  session.note(`the certificate is good until ${expiresAt}; the same command renews it`);
  // A configuration of ours would send its header to nobody; one of the user's own stays.
  const ours = session.io.env['DOCKER_CONFIG']?.startsWith(`${ownFolder(session.io.env)}/`);
  return {
    DOCKER_HOST: endpoint,
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: folder.path,
    ...(ours && { DOCKER_CONFIG: null }),
  };
}

async function act(session: Session, name: string, options: DockerEnvOptions): Promise<void> {
  if (options.ttl !== undefined && !options.tls) throw new UsageError('--ttl is for a certificate: --tls.');
  const api = await session.api;
  const id = await instanceId(session, name);
  const { data } = await api.GET('/v1/instances/{id}', { params: { path: { id } } });
  if (data!.docker.endpoint === null)
    session.note(`${name} is ${data!.state}: its engine does not answer now`);
  const folder = await DockerFolder.open(session.io, id, options.configDir);
  const variables = options.tls
    ? await byCertificate(session, id, folder, options.ttl)
    : await byHeader(session, id, folder);
  const shell = options.shell ?? (session.options.json ? 'json' : shellOf(session.io.env));
  session.write(spoken(variables, shell));
  if (session.io.stdout.isTTY && shell !== 'json') {
    const command = `bellows docker-env ${name}${options.tls ? ' --tls' : ''}`;
    session.note(`to use it in this shell: ${howToUse(command, shell)}`);
  }
}

const examples = `
Examples:
  eval "$(npx bellows docker-env web-1)"        then: docker ps
  eval "$(npx bellows docker-env web-1 --tls)"  for buildx and other clients that keep no header
  npx bellows docker-env web-1 --shell fish | source

Without --tls the token is in config.json of the folder, with it a certificate and its key are: keep it yours.`;

export const dockerEnv: Noun = (program: Command, runner) => {
  program
    .command('docker-env <instance>')
    .summary("point the docker command at an instance's container engine")
    .description(
      "Write what the docker command needs to reach an instance's container engine, and print the variables to set.",
    )
    .option('--tls', 'with a short-lived client certificate instead of the token')
    .addOption(
      new Option('--ttl <minutes>', 'how long the certificate is good for; default 720').argParser(
        parseCount,
      ),
    )
    .addOption(new Option('--shell <shell>', 'default: your own, by SHELL').choices(shells))
    .option('--config-dir <folder>', 'default: one for each instance, beside what "bellows login" keeps')
    .addHelpText('after', examples)
    .action(runner.action(act));
};
