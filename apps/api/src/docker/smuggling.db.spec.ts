import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DockerBench } from './docker-bench.fixture.js';
import { payloads } from './smuggling.fixture.js';

let bench: DockerBench;
beforeAll(async () => void (bench = await DockerBench.start()), 60_000);
afterAll(() => bench.close(), 30_000);
beforeEach(() => bench.engine.forget());

/** What no engine may ever see: credentials of ours, our own headers, and whatever a payload tried to hide. */
const forbidden =
  /bws_|authorization|cookie|forwarded|x-real-ip|proxy-|origin:|referer|sec-fetch|bellows|smuggled|victim|\/\.\.?[/;? ]|%2e|%2f.*HTTP\/1/i;

/** The only request whose body may hold another one: a body to every reader. */
const harmless = 'POST /images/load ';
const together = 16;
const answeredWithinMs = 400;

describe('requests that want to be read differently by the next server', () => {
  it('are five hundred and more, and none gets through', async () => {
    const token = bench.tokens.member;
    const all = payloads({ token, path: (rest) => bench.path(rest), instance: bench.instance });
    expect(all.length).toBeGreaterThanOrEqual(500);
    let [refused, carried] = [0, 0];
    for (let at = 0; at < all.length; at += together) {
      const some = all.slice(at, at + together);
      const names = some.map(({ name }) => name);
      bench.engine.forget();
      const answers = await Promise.all(some.map(({ bytes }) => bench.raw(bytes, answeredWithinMs)));
      for (const wire of bench.engine.wires) {
        const said = wire.startsWith(harmless) ? wire.replace(/\r\n\r\n[^]*$/, '') : wire;
        expect([names, wire]).toEqual([names, expect.stringMatching(/^[A-Z]+ \//)]);
        expect([names, forbidden.exec(said)?.[0] ?? null]).toEqual([names, null]);
      }
      // One connection, one request: a second one on it would be one that nobody has looked at.
      expect([names, bench.engine.mostOnOneWire <= 1]).toEqual([names, true]);
      for (const { url } of bench.engine.seen)
        expect([names, url]).toEqual([names, expect.stringMatching(/^\/[^/]/)]);
      expect([names, answers.filter((text) => /^HTTP\/1\.1 5/.test(text))]).toEqual([names, []]);
      carried += bench.engine.seen.length;
      refused += some.length - bench.engine.seen.length;
    }
    expect(refused).toBeGreaterThan(400);
    // The corpus reaches the engine where it may: a proxy that refuses everything would prove nothing.
    expect(carried).toBeGreaterThan(20);
  }, 240_000);
});
