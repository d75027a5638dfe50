import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TlsBench } from './docker-tls.fixture.js';
import { payloads, type Payload } from './smuggling.fixture.js';

let tls: TlsBench;
beforeAll(async () => void (tls = await TlsBench.start()), 60_000);
afterAll(() => tls.close(), 30_000);
beforeEach(() => tls.bench.engine.forget());

/** What no engine may ever see: credentials of ours, our own headers, and whatever a payload tried to hide. */
const forbidden =
  /bws_|authorization|cookie|forwarded|x-real-ip|proxy-|origin:|referer|sec-fetch|bellows|smuggled|victim|\/\.\.?[/;? ]|%2e|%2f.*HTTP\/1/i;

/** The only request whose body may hold another one: a body to every reader. */
const harmless = 'POST /images/load ';
const together = 16;
const answeredWithinMs = 400;

interface Way {
  readonly send: (bytes: string) => Promise<string>;
  /** The address of a path of the engine. */
  readonly path: (rest: string) => string;
  /** By the name of a payload. */
  readonly fits?: (name: string) => boolean;
}

const ways: readonly (readonly [name: string, open: () => Promise<Way>])[] = [
  [
    'with a header',
    () =>
      Promise.resolve({
        send: (bytes) => tls.bench.raw(bytes, answeredWithinMs),
        path: (rest) => tls.bench.path(rest),
      }),
  ],
  [
    'with a certificate',
    async () => {
      // The instance is not in the path.
      const fits = (name: string) => !name.startsWith('id ');
      const shown = await tls.certificate(tls.bench.tokens.member);
      return { send: (bytes) => tls.raw(shown, bytes, answeredWithinMs), path: (rest) => rest, fits };
    },
  ],
];

/** Sends some at once. @returns how many reached the engine. */
async function tried(some: readonly Payload[], send: Way['send']): Promise<number> {
  const { engine } = tls.bench;
  const names = some.map(({ name }) => name);
  engine.forget();
  const answers = await Promise.all(some.map(({ bytes }) => send(bytes)));
  for (const wire of engine.wires) {
    const said = wire.startsWith(harmless) ? wire.replace(/\r\n\r\n[^]*$/, '') : wire;
    expect([names, wire]).toEqual([names, expect.stringMatching(/^[A-Z]+ \//)]);
    expect([names, forbidden.exec(said)?.[0] ?? null]).toEqual([names, null]);
  }
  // One connection, one request: a second one on it would be one that nobody has looked at.
  expect([names, engine.mostOnOneWire <= 1]).toEqual([names, true]);
  for (const { url } of engine.seen) expect([names, url]).toEqual([names, expect.stringMatching(/^\/[^/]/)]);
  expect([names, answers.filter((text) => /^HTTP\/1\.1 5/.test(text))]).toEqual([names, []]);
  return engine.seen.length;
}

describe('requests that want to be read differently by the next server', () => {
  it.each(ways)(
    'are five hundred and more %s, and none gets through',
    async (_, open) => {
      const { send, path, fits = () => true } = await open();
      const target = { token: tls.bench.tokens.member, path, instance: tls.bench.instance };
      const all = payloads(target).filter(({ name }) => fits(name));
      expect(all.length).toBeGreaterThanOrEqual(500);
      let carried = 0;
      for (let at = 0; at < all.length; at += together) {
        carried += await tried(all.slice(at, at + together), send);
      }
      expect(all.length - carried).toBeGreaterThan(400);
      // The corpus reaches the engine where it may: a proxy that refuses everything would prove nothing.
      expect(carried).toBeGreaterThan(20);
    },
    240_000,
  );
});
