import { describe, expect, it } from '@jest/globals';
import { cleanRequest, isUnfit, type EngineRequest } from './request.js';

const clean = (method: string, headers: readonly (readonly [string, string])[] = [], path = '/v1.45/info') =>
  cleanRequest({ method, path, rawHeaders: [['Host', 'cloud.example'] as const, ...headers].flat() });
const cleaned = (...ask: Parameters<typeof clean>): EngineRequest => {
  const verdict = clean(...ask);
  if (isUnfit(verdict)) throw new Error(verdict.unfit);
  return verdict;
};

describe('a request to an engine', () => {
  it('says nothing of who asks, and names no host but the engine', () => {
    const { headers } = cleaned('GET', [
      ['Authorization', 'Bearer bws_secret'],
      ['Cookie', 'session=1'],
      ['Forwarded', 'for=1.2.3.4'],
      ['X-Forwarded-For', '1.2.3.4'],
      ['X-Real-IP', '1.2.3.4'],
      ['Proxy-Authorization', 'Basic x'],
      ['Origin', 'https://cloud.example'],
      ['Referer', 'https://cloud.example/console'],
      ['Sec-Fetch-Site', 'same-origin'],
      ['X-Api-Key', 'k'],
      ['X-Bellows-Passage', 'e30'],
      ['TE', 'trailers'],
      ['Trailer', 'x'],
      ['Keep-Alive', 'timeout=5'],
      ['Expect', '100-continue'],
      ['User-Agent', 'Docker-Client/28'],
      ['Accept', 'application/json'],
    ]);
    expect(headers).toEqual([
      ['Host', 'docker'],
      ['user-agent', 'Docker-Client/28'],
      ['accept', 'application/json'],
      ['Connection', 'close'],
    ]);
  });

  it("keeps the docker client's own words to its daemon", () => {
    const own = [
      ['X-Registry-Auth', 'eyJ9'],
      ['X-Registry-Config', 'e30='],
      ['X-Docker-Expose-Session-Uuid', 'u'],
      ['Content-Type', 'application/x-tar'],
    ] as const;
    expect(cleaned('POST', [...own, ['Content-Length', '7']]).headers).toEqual([
      ['Host', 'docker'],
      ...own.map(([name, value]) => [name.toLowerCase(), value]),
      ['Content-Length', '7'],
      ['Connection', 'close'],
    ]);
  });

  it('loses what the caller calls hop-by-hop, but never its framing', () => {
    const { headers, bodyBytes } = cleaned('POST', [
      ['Connection', 'close, X-Registry-Auth,content-length'],
      ['X-Registry-Auth', 'x'],
      ['Content-Length', '3'],
    ]);
    expect(headers.map(([name]) => name)).toEqual(['Host', 'Content-Length', 'Connection']);
    expect(bodyBytes).toBe(3);
  });

  it('has its framing said anew', () => {
    expect(cleaned('POST').headers).toContainEqual(['Content-Length', '0']);
    expect(cleaned('GET').headers.map(([name]) => name)).toEqual(['Host', 'Connection']);
    expect(cleaned('PUT', [['Transfer-Encoding', 'Chunked']])).toMatchObject({ bodyBytes: null });
    expect(cleaned('PUT', [['Transfer-Encoding', 'Chunked']]).headers).toContainEqual([
      'Transfer-Encoding',
      'chunked',
    ]);
    expect(cleaned('POST', [['Content-Length', '007']]).headers).toContainEqual(['Content-Length', '7']);
  });

  it('asks for another protocol where the caller did', () => {
    for (const protocol of ['tcp', 'h2c', 'TCP']) {
      const { upgrade, headers } = cleaned('POST', [
        ['Connection', 'Upgrade'],
        ['Upgrade', protocol],
      ]);
      expect(upgrade).toBe(protocol.toLowerCase());
      expect(headers.slice(-2)).toEqual([
        ['Connection', 'Upgrade'],
        ['Upgrade', protocol.toLowerCase()],
      ]);
    }
    expect(cleaned('POST', [['Upgrade', 'tcp']]).upgrade).toBeNull();
  });
});

describe('a request that two readers could read differently is refused', () => {
  const upgrade = ['Connection', 'Upgrade'] as const;
  const unfit: [string, string, (readonly [string, string])[]][] = [
    [
      'length and chunks',
      'POST',
      [
        ['Content-Length', '3'],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    [
      'two lengths',
      'POST',
      [
        ['Content-Length', '3'],
        ['content-length', '3'],
      ],
    ],
    ['a list of lengths', 'POST', [['Content-Length', '3, 3']]],
    ['a signed length', 'POST', [['Content-Length', '+3']]],
    ['a negative length', 'POST', [['Content-Length', '-3']]],
    ['a length in hex', 'POST', [['Content-Length', '0x3']]],
    ['an endless length', 'POST', [['Content-Length', '9'.repeat(40)]]],
    [
      'two encodings',
      'POST',
      [
        ['Transfer-Encoding', 'chunked'],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    ['another encoding', 'POST', [['Transfer-Encoding', 'gzip, chunked']]],
    ['identity', 'POST', [['Transfer-Encoding', 'identity']]],
    ['an encoding in disguise', 'POST', [['Transfer-Encoding', '\tchunked']]],
    ['two hosts', 'GET', [['Host', 'docker']]],
    [
      'two tokens',
      'GET',
      [
        ['Authorization', 'Bearer a'],
        ['Authorization', 'Bearer b'],
      ],
    ],
    ['websocket', 'GET', [upgrade, ['Upgrade', 'websocket']]],
    ['several protocols', 'POST', [upgrade, ['Upgrade', 'tcp, h2c']]],
    ['two upgrades', 'POST', [upgrade, ['Upgrade', 'tcp'], ['Upgrade', 'tcp']]],
    ['an upgrade with chunks', 'POST', [upgrade, ['Upgrade', 'tcp'], ['Transfer-Encoding', 'chunked']]],
    ['an upgrade with a large body', 'POST', [upgrade, ['Upgrade', 'tcp'], ['Content-Length', '70000']]],
    ['TRACE', 'TRACE', []],
    ['CONNECT', 'CONNECT', []],
    ['PATCH', 'PATCH', []],
    ['OPTIONS', 'OPTIONS', []],
  ];
  it.each(unfit)('%s', (_what, method, headers) => expect(clean(method, headers)).toHaveProperty('unfit'));
});
