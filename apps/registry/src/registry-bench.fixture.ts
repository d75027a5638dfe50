import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TestApi } from '@bellows/api/api.fixture';
import { startRegistry, type Running } from './registry.js';
import { readSettings, type RegistrySettings } from './settings.js';

const secret = 'registry-secret-of-the-tests';

export interface Said {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Ran {
  readonly ok: boolean;
  readonly said: string;
}

const digestOf = (data: Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;

/** The real registry behind our door, with an API, in a folder of their own; and skopeo to speak to it. */
export class RegistryBench {
  private constructor(
    readonly folder: string,
    readonly api: TestApi,
    public running: Running,
    private readonly settings: RegistrySettings,
    readonly troubles: string[],
  ) {}

  static async start(variables: Record<string, string> = {}): Promise<RegistryBench> {
    const folder = await mkdtemp(join(tmpdir(), 'bellows-registry-'));
    const troubles: string[] = [];
    const given = readSettings({
      BELLOWS_REGISTRY_FOLDER: join(folder, 'registry'),
      BELLOWS_REGISTRY_PORT: '0',
      BELLOWS_REGISTRY_SECRET: secret,
      BELLOWS_REGISTRY_COLLECT_HOUR: 'never',
      ...variables,
    });
    const settings = { ...given, quietMs: 5_000 };
    const running = await startRegistry(settings, (text, detail) =>
      troubles.push(`${text} ${String(detail)}`),
    );
    const api = await TestApi.start({
      BELLOWS_REGISTRY_URL: running.control,
      BELLOWS_REGISTRY_SECRET: secret,
      BELLOWS_REGISTRY_KEY: join(settings.folder, 'token-key.pem'),
      BELLOWS_REGISTRY_ADDRESSES: `${settings.bind[0]}:${running.port}`,
    });
    await writeFile(join(settings.folder, 'api-url'), api.url);
    await mkdir(join(folder, 'certs'));
    await copyFile(running.authorityFile, join(folder, 'certs/ca.crt'));
    return new RegistryBench(folder, api, running, settings, troubles);
  }

  async close(): Promise<void> {
    await this.running.stop();
    await this.api.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Ends it and starts it again, at the same port. */
  async restart(): Promise<void> {
    const { port, control } = this.running;
    await this.running.stop();
    const at = { ...this.settings.control, port: Number(new URL(control).port) };
    this.running = await startRegistry({ ...this.settings, port, control: at }, () => undefined);
  }

  get host(): string {
    return `${this.settings.bind[0]}:${this.running.port}`;
  }

  /** skopeo copy. @param token of whoever does it; null: nobody. */
  copy(from: string, to: string, token: string | null, side: 'src' | 'dest'): Promise<Ran> {
    const who = token === null ? [`--${side}-no-creds`] : [`--${side}-creds`, `anyone:${token}`];
    const trust = [`--${side}-cert-dir`, join(this.folder, 'certs')];
    return this.skopeo('copy', '--preserve-digests', ...trust, ...who, from, to);
  }

  push(layout: string, name: string, token: string | null): Promise<Ran> {
    return this.copy(`oci:${layout}:latest`, `docker://${this.host}/${name}`, token, 'dest');
  }

  async pull(name: string, token: string | null): Promise<Ran> {
    const target = join(this.folder, randomBytes(4).toString('hex'));
    return this.copy(`docker://${this.host}/${name}`, `dir:${target}`, token, 'src');
  }

  async skopeo(...args: string[]): Promise<Ran> {
    try {
      const { stdout, stderr } = await promisify(execFile)('skopeo', ['--insecure-policy', ...args], {
        env: { ...process.env, HOME: this.folder, XDG_RUNTIME_DIR: this.folder },
      });
      return { ok: true, said: stdout + stderr };
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      return { ok: false, said: stdout + stderr || String(error) };
    }
  }

  /**
   * An image of one layer, as an OCI layout (image-spec, "image-layout"); of random bytes, unless an engine is to
   * unpack it.
   */
  async image(bytes = 10_000, data: Buffer = randomBytes(bytes)): Promise<{ layout: string; layer: string }> {
    const layout = join(this.folder, `image-${randomBytes(4).toString('hex')}`);
    await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
    const put = async (data: Buffer) => {
      const digest = digestOf(data);
      await writeFile(join(layout, 'blobs/sha256', digest.slice(7)), data);
      return { digest, size: data.length };
    };
    const json = (value: object) => Buffer.from(JSON.stringify(value));
    const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', ...(await put(data)) };
    const rootfs = { type: 'layers', diff_ids: [layer.digest] };
    const config = {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      ...(await put(json({ architecture: 'amd64', os: 'linux', rootfs, config: {} }))),
    };
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = await put(json({ schemaVersion: 2, mediaType, config, layers: [layer] }));
    const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
    await writeFile(
      join(layout, 'index.json'),
      json({ schemaVersion: 2, manifests: [{ mediaType, ...manifest, annotations }] }),
    );
    await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    return { layout, layer: layer.digest };
  }

  /** A registry token, as a docker client gets one. */
  async token(bellowsToken: string | null, ...scopes: string[]): Promise<string> {
    const query = new URLSearchParams(scopes.map((scope): [string, string] => ['scope', scope]));
    const { status, text } = await this.say('GET', `/token?${query.toString()}`, {
      ...(bellowsToken !== null && { authorization: basic(bellowsToken) }),
    });
    if (status !== 200) throw new Error(`no token: ${status} ${text}`);
    return (JSON.parse(text) as { token: string }).token;
  }

  /** One request as it is, over TLS that is verified. */
  async say(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: Buffer | string,
  ): Promise<Said> {
    const ca = await readFile(this.running.authorityFile);
    return new Promise((resolve, reject) => {
      const target = {
        host: this.settings.bind[0],
        port: this.running.port,
        path,
        method,
        headers,
        ca,
        agent: false as const,
      };
      const call = request(target, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer
          .on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }))
          .on('error', reject);
      });
      call.on('error', reject).end(body);
    });
  }
}

export const basic = (token: string): string => `Basic ${Buffer.from(`me:${token}`).toString('base64')}`;
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
