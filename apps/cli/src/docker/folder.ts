import { randomBytes } from 'node:crypto';
import { access, chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { configFile } from '../connection/stored.js';
import { UsageError } from '../exit.js';
import type { Io } from '../io.js';

/** Where the files of all instances are, a folder each. */
export const ownFolder = (env: Io['env']): string => join(dirname(configFile(env)), 'docker');

/** What a docker client reads: a folder that its owner alone may enter. */
export class DockerFolder {
  private constructor(
    readonly path: string,
    private readonly env: Io['env'],
  ) {}

  /** @param chosen by the user; else one of ours, a folder an instance. */
  static async open(io: Io, instanceId: string, chosen: string | undefined): Promise<DockerFolder> {
    const path = chosen === undefined ? join(ownFolder(io.env), instanceId) : resolve(io.cwd, chosen);
    try {
      const made = await mkdir(path, { recursive: true, mode: 0o700 });
      // A folder of the user's own keeps the mode it has.
      if (made !== undefined || chosen === undefined) await chmod(path, 0o700);
    } catch (error) {
      throw new UsageError(`Cannot use ${path}: ${(error as Error).message}`);
    }
    return new DockerFolder(path, io.env);
  }

  /** Only its owner may read it; it appears whole or not at all. */
  async write(name: string, text: string): Promise<void> {
    const path = join(this.path, name);
    const draft = `${path}.${randomBytes(4).toString('hex')}`;
    await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
    await rename(draft, path);
  }

  /** Adds the header; what else is there (logins of registries) stays. */
  async writeHeader(authorization: string): Promise<void> {
    const known = await this.#config();
    const headers = { ...(known['HttpHeaders'] as object | undefined), Authorization: authorization };
    const config = { ...(await this.#plugins(known)), ...known, HttpHeaders: headers };
    await this.write('config.json', `${JSON.stringify(config, null, 2)}\n`);
  }

  async #config(): Promise<Record<string, unknown>> {
    const path = join(this.path, 'config.json');
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '{}';
      throw new UsageError(`Cannot read ${path}: ${error.message}`);
    });
    try {
      const known: unknown = JSON.parse(text);
      if (typeof known === 'object' && known !== null && !Array.isArray(known)) {
        return known as Record<string, unknown>;
      }
    } catch {
      // Falls through: not JSON is as bad as JSON of another shape.
    }
    throw new UsageError(`${path} is no configuration of docker. Remove it, or give another --config-dir.`);
  }

  /** A configuration of its own would leave the user's plugins behind. */
  async #plugins(known: Record<string, unknown>): Promise<Record<string, unknown>> {
    const folder = join(this.env['HOME'] || homedir(), '.docker', 'cli-plugins');
    if ('cliPluginsExtraDirs' in known) return {};
    return access(folder).then(
      () => ({ cliPluginsExtraDirs: [folder] }),
      () => ({}),
    );
  }
}
