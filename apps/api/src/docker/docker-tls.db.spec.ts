import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TlsBench } from './docker-tls.fixture.js';

let tls: TlsBench;
let shown: Awaited<ReturnType<TlsBench['certificate']>>;
beforeAll(async () => {
  tls = await TlsBench.start();
  shown = await tls.certificate(tls.bench.tokens.member);
}, 60_000);
afterAll(() => tls.close(), 30_000);
beforeEach(() => {
  const { engine } = tls.bench;
  engine.forget();
  engine.serve = (_asked, answer) =>
    void answer
      .writeHead(200, { 'content-type': 'application/json', 'api-version': '1.45' })
      .end('{"Version":"26"}');
});

describe('the docker port', () => {
  it("carries a call to the certificate's instance, its path the engine's own", async () => {
    const answer = await tls.call(shown, 'GET', '/v1.45/version?x=%2F..%2F');
    expect(answer).toMatchObject({ status: 200, body: { Version: '26' } });
    expect(answer.headers).toMatchObject({
      'api-version': '1.45',
      'content-security-policy': expect.stringContaining('sandbox'),
    });
    const { seen, wires } = tls.bench.engine;
    expect(seen).toMatchObject([{ method: 'GET', url: '/v1.45/version?x=%2F..%2F' }]);
    expect(wires.join()).not.toMatch(/bellows|bws_|authorization|bearer/i);
  });
});
