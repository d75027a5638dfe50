import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer, type AddressInfo, type Server as Listener } from 'node:net';
import { delimiter, join } from 'node:path';
import type { RecordingEngine } from '@bellows/engine/proxy/recording-engine.fixture';
import { chromium, type Browser } from 'playwright-core';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Whatever it would like to look up besides: it finds nothing.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** Debian's, with a profile that is gone with it. */
export async function startChromium(): Promise<Browser> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const executablePath = folders.map((folder) => join(folder, 'chromium')).find(existsSync);
  if (!executablePath) throw new Error('chromium is not on the PATH');
  return chromium.launch({ executablePath, args: flags });
}

/** A site of somebody else: serves one page, and hears what asks for `/ran?by=NAME`. */
export class OtherSite {
  readonly heard: string[] = [];
  page = '';
  private constructor(readonly server: Server) {
    server.on('request', (asked, answer) => {
      const by = /^\/ran\?by=([\w-]+)$/.exec(asked.url ?? '')?.[1];
      if (by) this.heard.push(by);
      answer.writeHead(200, { 'content-type': 'text/html' }).end(by ? '' : this.page);
    });
  }

  static async start(): Promise<OtherSite> {
    const server = createHttp().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OtherSite(server);
  }

  /** Of another site than the API's, not only of another origin. */
  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

/** The engine as it would be without us in between. */
export class BareEngine {
  private constructor(private readonly server: Listener) {}

  static async start(engine: RecordingEngine): Promise<BareEngine> {
    const server = createServer((near) => {
      near.on('error', () => undefined).pause();
      void engine.open().then((far) => {
        far.on('error', () => near.destroy());
        near.on('close', () => far.destroy());
        near.pipe(far).pipe(near);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new BareEngine(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Once the engine is closed: until then connections may be open. */
  async close(): Promise<void> {
    await new Promise((done) => this.server.close(done));
  }
}
