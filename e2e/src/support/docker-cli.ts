import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Said {
  readonly code: number;
  /** Standard output and standard error, as they came. */
  readonly text: string;
  readonly seconds: number;
}

/** The stock docker CLI, pointed at one instance, with a folder to work in. */
export class DockerCli {
  private constructor(
    readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** By base path and header. */
  static async pointedAt(url: string, instanceId: string, token: string): Promise<DockerCli> {
    const folder = await mkdtemp(join(tmpdir(), 'bellows docker '));
    const config = JSON.stringify({ HttpHeaders: { Authorization: `Bearer ${token}` } });
    await writeFile(join(folder, 'config.json'), config, { mode: 0o600 });
    const host = url.replace(/^http:/, 'tcp:');
    return new DockerCli(folder, {
      PATH: process.env['PATH'],
      HOME: folder,
      DOCKER_CONFIG: folder,
      DOCKER_HOST: `${host}/v1/instances/${instanceId}/docker`,
      // buildx keeps neither path nor header.
      DOCKER_BUILDKIT: '0',
    });
  }

  /** As `bellows docker-env --shell json` says; null is a variable that must not be set. */
  static async told(variables: Readonly<Record<string, string | null>>): Promise<DockerCli> {
    const folder = await mkdtemp(join(tmpdir(), 'bellows docker '));
    const set = Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== null);
    // Modelled engines have no BuildKit.
    const env = { PATH: process.env['PATH'], HOME: folder, DOCKER_BUILDKIT: '0' };
    return new DockerCli(folder, { ...env, ...Object.fromEntries(set) });
  }

  /** What the commands of `docker-commands.ts` find in the folder. */
  async furnish(): Promise<void> {
    await writeFile(join(this.folder, 'greeting'), 'hello from a file\n');
    await writeFile(
      join(this.folder, 'Dockerfile.greeter'),
      'FROM busybox\nENV WHO=you\nCOPY greeting /greeting\nCMD ["cat", "/greeting"]\n',
    );
  }

  /** An image `busybox` of this machine's own static busybox: for an engine that has none. */
  async buildBusybox(): Promise<Said> {
    await copyFile('/bin/busybox', join(this.folder, 'busybox'));
    await writeFile(
      join(this.folder, 'Dockerfile.busybox'),
      'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nCMD ["sh"]\n',
    );
    return this.sh('docker build -q -t busybox -f Dockerfile.busybox .');
  }

  sh(line: string, limitMs = 120_000): Promise<Said> {
    const began = Date.now();
    return new Promise((resolve, reject) => {
      const child = spawn('sh', ['-c', line], {
        cwd: this.folder,
        env: this.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (part: string) => (text += part));
      const late = setTimeout(() => child.kill('SIGKILL'), limitMs);
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(late);
        resolve({ code: code ?? 128, text, seconds: (Date.now() - began) / 1000 });
      });
    });
  }
}
