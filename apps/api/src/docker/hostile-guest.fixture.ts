import { createHash } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { RecordingEngine } from '@bellows/engine/proxy/recording-engine.fixture';

interface Page {
  readonly path: string;
  readonly type: string | null;
  readonly body: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** Everything a daemon can say to a browser to act for the origin it was asked on. */
export class HostileGuest {
  readonly #pages: ReadonlyMap<string, Page>;

  /** @param listener origin of the test's own that hears of each script that ran. */
  constructor(private readonly listener: string) {
    this.#pages = new Map([...this.documents, ...this.#parts()].map((page) => [page.path, page]));
  }

  /** In a script: tells the listener that it ran. */
  #ran(by: string): string {
    return `fetch('${this.listener}/ran?by=${by}', { mode: 'no-cors' });`;
  }

  #html(by: string, more = ''): string {
    return `<!doctype html><title>guest</title><script>${this.#ran(by)}document.title='ran';${more}</script>`;
  }

  /** What a browser runs a script of when it is opened. */
  get documents(): readonly Page[] {
    const svg = (by: string) =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>${this.#ran(by)}</script></svg>`;
    const xhtml = (by: string) =>
      `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>g</title><script>${this.#ran(by)}</script></head></html>`;
    const listener = this.listener;
    return [
      { path: '/html', type: 'text/html', body: this.#html('html') },
      { path: '/charset', type: 'Text/HTML ;charset=utf-7', body: this.#html('charset') },
      { path: '/svg', type: 'image/svg+xml', body: svg('svg') },
      { path: '/xhtml', type: 'application/xhtml+xml', body: xhtml('xhtml') },
      { path: '/xml', type: 'text/xml', body: xhtml('xml') },
      { path: '/untyped', type: null, body: this.#html('untyped') },
      {
        path: '/inline',
        type: 'text/html',
        body: this.#html('inline'),
        headers: { 'content-disposition': 'inline; filename="page.html"' },
      },
      {
        path: '/cookie',
        type: 'text/html',
        body: this.#html('cookie', "document.cookie='own=1;path=/'"),
        headers: { 'set-cookie': ['stolen=1; Path=/', 'strict=1; Path=/; SameSite=Strict; HttpOnly'] },
      },
      {
        path: '/link',
        type: 'text/html',
        body: '<!doctype html><title>guest</title>',
        headers: { link: `<${listener}/ran?by=link>; rel=preload; as=script` },
      },
      {
        path: '/refresh',
        type: 'text/html',
        body: '<!doctype html><title>guest</title>',
        headers: { refresh: `0; url=${listener}/ran?by=refresh` },
      },
      { path: '/frames', type: 'text/html', body: '<!doctype html><iframe src="framed"></iframe>' },
      {
        path: '/worker',
        type: 'text/html',
        body: this.#html('worker', "navigator.serviceWorker.register('worker.js')"),
        headers: { 'service-worker-allowed': '/' },
      },
    ];
  }

  /** Types that stay what they are on the way: a browser shows their bytes as text, whatever these look like. */
  get texts(): readonly Page[] {
    return ['application/json', 'text/plain', 'text/plain; charset=utf-7'].map((type, at) => ({
      path: `/text${at}`,
      type,
      body: this.#html(`text${at}`),
    }));
  }

  #parts(): readonly Page[] {
    const script = 'application/javascript';
    return [
      ...this.texts,
      { path: '/framed', type: 'text/html', body: this.#html('frames') },
      { path: '/worker.js', type: script, body: '/* a service worker */' },
      { path: '/script', type: script, body: this.#ran('script') },
      { path: '/typed-as-json', type: 'application/json', body: this.#ran('typed-as-json') },
      { path: '/module', type: 'text/javascript', body: this.#ran('module') },
      { path: '/style', type: 'text/css', body: `@import url('${this.listener}/ran?by=style');` },
      {
        path: '/image',
        type: 'image/svg+xml',
        body: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      },
      { path: '/secret', type: 'application/json', body: '{"secret":"of the guest"}' },
      {
        path: '/moved',
        type: 'text/html',
        body: '',
        headers: { location: `${this.listener}/ran?by=moved` },
      },
    ];
  }

  /** Takes the place of the engine: whatever is asked below any base path, the last segment says what it answers. */
  moveInto(engine: RecordingEngine): void {
    engine.serve = (asked, answer) => {
      const page = this.#pages.get(lastOf(asked.url));
      const headers: OutgoingHttpHeaders = {
        'access-control-allow-origin': asked.headers.origin ?? '*',
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': 'authorization, x-any',
        'cross-origin-resource-policy': 'cross-origin',
        ...(page?.type && { 'content-type': page.type }),
        ...page?.headers,
      };
      answer.writeHead(page ? (page.path === '/moved' ? 302 : 200) : 404, headers).end(page?.body);
    };
    engine.upgrade = acceptWebSocket;
  }
}

const lastOf = (url = ''): string => /\/[^/?]*(?=$|\?)/.exec(url)?.[0] ?? '';

/** RFC 6455 §4.2.2. */
function acceptWebSocket(asked: IncomingMessage, socket: Socket): void {
  const key = `${asked.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
}
