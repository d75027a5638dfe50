import { readFile } from 'node:fs/promises';
import { originOf } from '../connection/where.js';
import { interruptible } from '../session.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';

/** Needs no token; null where no cloud is configured or none answers. */
async function apiVersion(session: Session): Promise<{ version: string; url: string } | null> {
  try {
    const { url } = session.options.url ? { url: originOf(session.options.url) } : await session.connected;
    const answer = await interruptible(session.io.interrupted)(new Request(`${url}/openapi.json`));
    const { info } = (await answer.json()) as { info?: { version?: unknown } };
    return typeof info?.version === 'string' ? { version: info.version, url } : null;
  } catch {
    return null;
  }
}

export async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function show(session: Session) {
  const [cli, api] = await Promise.all([ownVersion(), apiVersion(session)]);
  session.show({ cli, api: api?.version ?? null, url: api?.url ?? null }, () =>
    session.facts([
      ['bellows', cli],
      ['API', api ? `${api.version} at ${api.url}` : 'does not answer'],
    ]),
  );
}

export const version: Noun = (program, runner) => {
  program.command('version').description('of this command and of the API').action(runner.action(show));
};
