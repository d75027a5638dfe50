import { describe, expect, it } from '@jest/globals';
import { cleanAnswer } from './answer.js';

const clean = (headers: readonly (readonly [string, string])[], status = 200, hasBody = true) =>
  cleanAnswer({ status, rawHeaders: headers.flat(), hasBody });
const typeOf = (type: string) =>
  clean([['Content-Type', type]])?.headers.find(([name]) => name === 'Content-Type')?.[1];

describe('an answer of a guest', () => {
  it('keeps what docker clients read, and nothing else', () => {
    const { headers } = clean([
      ['Api-Version', '1.45'],
      ['Docker-Experimental', 'false'],
      ['Ostype', 'linux'],
      ['Builder-Version', '2'],
      ['Swarm', 'inactive'],
      ['X-Docker-Container-Path-Stat', 'eyJ9'],
      ['Content-Length', '2'],
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Server', 'Docker/26'],
      ['Date', 'never'],
      ['Cache-Control', 'public, max-age=99999'],
      ['Set-Cookie', 'session=stolen; Path=/'],
      ['Set-Cookie2', 'a=b'],
      ['Access-Control-Allow-Origin', '*'],
      ['Access-Control-Allow-Credentials', 'true'],
      ['Location', '//evil.example/'],
      ['Refresh', '0; url=//evil.example'],
      ['Link', '</x.js>; rel=preload'],
      ['Clear-Site-Data', '"*"'],
      ['Service-Worker-Allowed', '/'],
      ['Strict-Transport-Security', 'max-age=1'],
      ['Alt-Svc', 'h2="evil.example:443"'],
      ['Report-To', '{}'],
      ['NEL', '{}'],
      ['Content-Security-Policy', 'default-src *'],
      ['X-Frame-Options', 'ALLOWALL'],
      ['X-Content-Type-Options', 'sniff'],
      ['WWW-Authenticate', 'Basic realm="Bellows"'],
      ['Content-Disposition', 'inline; filename=x.html'],
      ['SourceMap', '//evil.example'],
      ['X-Bellows-Code', 'rate-limited'],
      ['Connection', 'X-Docker-Y'],
      ['Trailer', 'Set-Cookie'],
    ])!;
    expect(headers).toEqual([
      ['Api-Version', '1.45'],
      ['Docker-Experimental', 'false'],
      ['Ostype', 'linux'],
      ['Builder-Version', '2'],
      ['Swarm', 'inactive'],
      ['X-Docker-Container-Path-Stat', 'eyJ9'],
      ['Content-Length', '2'],
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Content-Security-Policy', "sandbox; default-src 'none'"],
      ['X-Content-Type-Options', 'nosniff'],
      ['Cross-Origin-Resource-Policy', 'same-origin'],
      ['Cache-Control', 'no-store'],
    ]);
  });

  it.each([
    ['application/json', 'application/json'],
    ['Application/JSON; charset="UTF-8"', 'application/json; charset=utf-8'],
    ['application/vnd.docker.raw-stream', 'application/vnd.docker.raw-stream'],
    ['application/vnd.docker.multiplexed-stream', 'application/vnd.docker.multiplexed-stream'],
    ['application/x-tar', 'application/x-tar'],
    ['text/plain; charset=utf-7', 'text/plain'],
    ['text/html', 'application/octet-stream'],
    ['TEXT/HTML; charset=utf-8', 'application/octet-stream'],
    ['text/html ;x', 'application/octet-stream'],
    ['application/json, text/html', 'application/octet-stream'],
    ['application/xhtml+xml', 'application/octet-stream'],
    ['image/svg+xml', 'application/octet-stream'],
    ['application/vnd.docker.x+xml', 'application/octet-stream'],
    ['text/xml', 'application/octet-stream'],
    ['text/javascript', 'application/octet-stream'],
    ['application/pdf', 'application/octet-stream'],
    ['multipart/x-mixed-replace; boundary=x', 'application/octet-stream'],
    ['', 'application/octet-stream'],
  ])('of the type %s is of the type %s to a browser', (given, sent) => expect(typeOf(given)).toBe(sent));

  it('without a type has one that no browser guesses at', () => {
    expect(clean([])!.headers).toContainEqual(['Content-Type', 'application/octet-stream']);
    expect(clean([], 204, false)!.headers.map(([name]) => name)).not.toContain('Content-Type');
  });

  it.each([0, 100, 102, 199, 600, 999])('with the status %d is none', (status) =>
    expect(clean([], status)).toBeNull(),
  );

  it('with more headers than any engine sends is none', () => {
    expect(clean(Array.from({ length: 65 }, (_, at) => [`x-${at}`, '1'] as const))).toBeNull();
  });
});
