import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext } from 'playwright-core';
import { BareEngine, OtherSite, startChromium } from './browser.fixture.js';
import { DockerBench, until } from './docker-bench.fixture.js';
import { HostileGuest } from './hostile-guest.fixture.js';

let bench: DockerBench;
let browser: Browser;
let other: OtherSite;
let bare: BareEngine;
let guest: HostileGuest;
beforeAll(async () => {
  [bench, browser, other] = await Promise.all([DockerBench.start(), startChromium(), OtherSite.start()]);
  bare = await BareEngine.start(bench.engine);
  guest = new HostileGuest(other.url);
  guest.moveInto(bench.engine);
}, 60_000);
afterAll(async () => {
  await browser.close();
  await bench.close();
  await bare.close();
  await other.close();
}, 30_000);
beforeEach(() => {
  bench.engine.forget();
  other.heard.length = 0;
});

/** A script that runs does so within this of its page. */
const settleMs = 400;
const asked = () => bench.engine.seen.map(({ url }) => url);
const through = () => bench.api.url + bench.path('');
const bearer = () => ({ extraHTTPHeaders: { authorization: `Bearer ${bench.tokens.member}` } });

/** In a profile of its own. */
async function inContext<T>(options: object, act: (context: BrowserContext) => Promise<T>): Promise<T> {
  const context = await browser.newContext({ ...options, acceptDownloads: false });
  try {
    return await act(context);
  } finally {
    await context.close();
  }
}

interface Opened {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** What the browser made of it: a document, or a file to keep. */
  readonly shown:
    | { readonly type: string; readonly title: string; readonly text: string; readonly origin: string }
    | 'download';
}

/** In a page of its own, which stays open: what it would do later is seen too. */
async function open(context: BrowserContext, url: string): Promise<Opened> {
  const page = await context.newPage();
  const answered = page.waitForResponse((response) => response.url() === url);
  const loaded = page.goto(url).then(
    () => true,
    () => false,
  );
  const response = await answered;
  const head = { status: response.status(), headers: await response.allHeaders() };
  if (!(await loaded)) return { ...head, shown: 'download' };
  // As text: it is compiled there, where there is a document.
  const shown = await page.evaluate<Exclude<Opened['shown'], string>>(
    '({ type: document.contentType, title: document.title, text: document.documentElement.textContent, origin })',
  );
  return { ...head, shown };
}

/** All at once, each through us; and a while for what they would do. */
async function openAll<P extends { readonly path: string }>(context: BrowserContext, pages: readonly P[]) {
  const one = async (page: P) => ({ ...page, ...(await open(context, through() + page.path)) });
  const all = await Promise.all(pages.map(one));
  await sleep(settleMs);
  return all;
}

describe('what a guest serves, straight from it', () => {
  it('runs scripts, sets cookies, registers a service worker: the tests below can fail', async () => {
    await inContext({}, async (context) => {
      for (const { path } of guest.documents) {
        await (await context.newPage()).goto(bare.url + path);
        await until(() => other.heard.includes(path.slice(1)));
      }
      await (await context.newPage()).goto(`${bare.url}/moved`);
      expect(other.heard).toContain('moved');
      const cookies = await context.cookies(bare.url);
      expect(cookies.map(({ name }) => name).sort()).toEqual(['own', 'stolen', 'strict']);
      await until(() => context.serviceWorkers().length === 1);
    });
  });
});

describe('a hostile page of a guest, opened in a browser', () => {
  it('is not there for who only has the address: the API refuses by itself', async () => {
    await inContext({}, async (context) => {
      await context.addCookies([{ name: 'token', value: bench.tokens.owner, url: bench.api.url }]);
      const all = await openAll(context, [...guest.documents, ...guest.texts]);
      for (const { path, status, shown } of all) {
        expect([path, status]).toEqual([path, 401]);
        expect(shown).toMatchObject({ type: 'application/json', title: '' });
        expect((shown as { text: string }).text).toContain('"code":"unauthorized"');
      }
      expect((await context.cookies()).map(({ name }) => name)).toEqual(['token']);
    });
    expect(asked()).toEqual([]);
    expect(other.heard).toEqual([]);
  });

  it("is a file to keep for whose every request carries a member's token, and does nothing", async () => {
    await inContext(bearer(), async (context) => {
      for (const { path, status, headers, shown } of await openAll(context, guest.documents)) {
        expect([path, status, shown]).toEqual([path, 200, 'download']);
        expect(headers['content-type']).toBe('application/octet-stream');
        expect(headers).not.toHaveProperty('set-cookie');
      }
      expect(await context.cookies()).toEqual([]);
      expect(context.serviceWorkers()).toEqual([]);
    });
    expect(asked().sort()).toEqual(guest.documents.map(({ path }) => path).sort());
    expect(other.heard).toEqual([]);
  });

  it('is text where its type is one of docker, without an origin', async () => {
    await inContext(bearer(), async (context) => {
      for (const { type, shown } of await openAll(context, guest.texts)) {
        expect(shown).toMatchObject({ type: type!.split(';')[0], title: '', origin: 'null' });
        expect((shown as { text: string }).text).toContain('<script>');
      }
    });
    expect(asked().sort()).toEqual(guest.texts.map(({ path }) => path).sort());
    expect(other.heard).toEqual([]);
  });

  it('sends nobody elsewhere', async () => {
    await inContext(bearer(), async (context) => {
      const { status, headers } = await open(context, `${through()}/moved`);
      expect(status).toBe(302);
      expect(headers).not.toHaveProperty('location');
      await sleep(settleMs);
    });
    expect(asked()).toEqual(['/moved']);
    expect(other.heard).toEqual([]);
  });
});

/** A page of another site that takes all it can get from `base`; notes in `window.got`. */
const taking = (base: string): string => `<!doctype html><title>taker</title><script>window.got = {};</script>
  <script src="${base}/script" onload="got.script = 1" onerror="got.script = 0"></script>
  <script src="${base}/typed-as-json" onload="got.typed = 1" onerror="got.typed = 0"></script>
  <script type="module" src="${base}/module" onload="got.module = 1" onerror="got.module = 0"></script>
  <link rel="stylesheet" href="${base}/style" onload="got.style = 1" onerror="got.style = 0">
  <img src="${base}/image" onload="got.image = 1" onerror="got.image = 0">
  <iframe src="${base}/html"></iframe>
  <script>
    const taken = (name, promise) => promise.then(() => (got[name] = 1), () => (got[name] = 0));
    taken('read', fetch('${base}/secret', { credentials: 'include' }).then((answer) => answer.text()));
    taken('preflighted', fetch('${base}/secret', { headers: { 'x-any': '1' } }).then((answer) => answer.text()));
    taken('opaque', fetch('${base}/image', { mode: 'no-cors', credentials: 'include' }));
    const socket = new WebSocket('${base.replace('http', 'ws')}/containers/x/attach/ws');
    taken('socket', new Promise((done, failed) => { socket.onopen = done; socket.onerror = failed; }));
  </script>`;

/** What the page above got, when it has an answer to everything. */
async function takes(context: BrowserContext, base: string): Promise<Record<string, number>> {
  other.page = taking(base);
  const page = await context.newPage();
  await page.goto(other.url);
  const read = () => page.evaluate<Record<string, number>>('got');
  await until(async () => Object.keys(await read()).length === 9);
  await sleep(settleMs);
  return read();
}

describe('a page of another site', () => {
  it('takes what it wants from a guest that is not behind us', async () => {
    const got = await inContext({}, (context) => takes(context, bare.url));
    expect(got).toEqual({
      ...{ script: 1, typed: 1, module: 1, style: 1, image: 1 },
      ...{ read: 1, preflighted: 1, opaque: 1, socket: 1 },
    });
    expect(other.heard.sort()).toEqual(['html', 'module', 'script', 'style', 'typed-as-json']);
  });

  const nothing = {
    ...{ script: 0, typed: 0, module: 0, style: 0, image: 0 },
    ...{ read: 0, preflighted: 0, opaque: 0, socket: 0 },
  };

  it('gets nothing through us, where a token is on its every request', async () => {
    expect(await inContext(bearer(), (context) => takes(context, through()))).toEqual(nothing);
    expect(other.heard).toEqual([]);
    // These the guest has answered: that the page has nothing of it is the answer's own doing. What needs CORS asks
    // first, and is refused.
    const reached = ['/html', '/image', '/script', '/style', '/typed-as-json'];
    expect([...new Set(asked())].sort()).toEqual(reached);
  });

  it('does not reach the guest without a token: what it may have and not see is our refusal', async () => {
    expect(await inContext({}, (context) => takes(context, through()))).toEqual({ ...nothing, opaque: 1 });
    expect(other.heard).toEqual([]);
    expect(asked()).toEqual([]);
  });

  it("opens no WebSocket with a member's token either", async () => {
    const answer = await bench.raw(
      `GET ${bench.path('/containers/x/attach/ws')} HTTP/1.1\r\nHost: x\r\nOrigin: ${other.url}\r\n` +
        `Authorization: Bearer ${bench.tokens.owner}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(asked()).toEqual([]);
  });
});
