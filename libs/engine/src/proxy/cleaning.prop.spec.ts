import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanAnswer } from './answer.js';
import { cleanRequest, isUnfit } from './request.js';
import { engineTarget } from './target.js';

const anyCase = (name: string) =>
  fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .map((upper) => [...name].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''));
const value = fc.stringMatching(/^[\x21-\x7e]{0,40}$/);
const headersOf = (names: readonly string[]) =>
  fc.array(
    fc.tuple(
      fc.oneof(fc.constantFrom(...names).chain(anyCase), fc.stringMatching(/^[A-Za-z-]{1,20}$/)),
      value,
    ),
    {
      maxLength: 30,
    },
  );

const secretOfCallers =
  /^(authorization|cookie|forwarded|x-forwarded-.*|x-real-ip|proxy-.*|origin|referer|sec-.*|te|trailer|keep-alive|expect|x-bellows-.*)$/i;
const actsInBrowsers =
  /^(set-cookie.*|access-control-.*|location|refresh|link|clear-site-data|service-worker-allowed|strict-transport-security|alt-svc|report-to|nel|x-frame-options|server|www-authenticate|proxy-authenticate|connection|keep-alive|transfer-encoding|trailer|upgrade|x-bellows-.*)$/i;

describe('cleaning', () => {
  it('lets none of the headers that say who asks into a guest', () => {
    const names = [
      ...['authorization', 'cookie', 'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'],
      ...['proxy-authorization', 'origin', 'referer', 'sec-fetch-mode', 'te', 'trailer', 'x-bellows-passage'],
      ...['x-registry-auth', 'content-type', 'accept', 'connection', 'user-agent'],
    ];
    fc.assert(
      fc.property(headersOf(names), fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'), (headers, method) => {
        const verdict = cleanRequest({ method, path: '/x', rawHeaders: headers.flat() });
        if (isUnfit(verdict)) return;
        const sent = verdict.headers.map(([name]) => name.toLowerCase());
        expect(sent.filter((name) => secretOfCallers.test(name))).toEqual([]);
        expect(sent.filter((name) => name === 'host')).toHaveLength(1);
        expect(sent.filter((name) => /^(content-length|transfer-encoding)$/.test(name)).length).toBeLessThan(
          2,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('lets none of the headers that browsers act on out of a guest', () => {
    const names = [
      ...['set-cookie', 'set-cookie2', 'access-control-allow-origin', 'location', 'refresh', 'link', 'nel'],
      ...['clear-site-data', 'service-worker-allowed', 'strict-transport-security', 'alt-svc', 'report-to'],
      ...['content-security-policy', 'x-frame-options', 'www-authenticate', 'content-type', 'content-length'],
    ];
    const policies =
      /^(content-security-policy|x-content-type-options|cross-origin-resource-policy|cache-control)$/i;
    fc.assert(
      fc.property(headersOf(names), fc.integer({ min: 101, max: 599 }), (headers, status) => {
        const sent = cleanAnswer({ status, rawHeaders: headers.flat(), hasBody: true })?.headers ?? [];
        expect(sent.filter(([name]) => actsInBrowsers.test(name))).toEqual([]);
        const ours = sent.filter(([name]) => policies.test(name)).map(([, said]) => said);
        if (sent.length > 0) {
          expect(ours).toEqual(["sandbox; default-src 'none'", 'nosniff', 'same-origin', 'no-store']);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('passes a path on as it is or not at all, and none that a normalising server would take elsewhere', () => {
    const part = fc.oneof(
      fc.constantFrom(
        ...['..', '.', '%2e', '%2E%2e', '%2f', '/', '//', '\\', '%5c', '%00', ';', '%25', '?', '#', '%c0%ae'],
      ),
      fc.stringMatching(/^[a-z0-9:@._-]{1,6}$/),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
        const raw = `/${parts.join('')}`;
        const target = engineTarget(raw);
        if (!target) return;
        expect(target.path + target.query).toBe(raw);
        const root = 'http://x/v1/instances/i/docker';
        expect(new URL(root + raw).pathname.startsWith('/v1/instances/i/docker/')).toBe(true);
        expect(new URL(root + raw).pathname).toBe(`/v1/instances/i/docker${target.path}`);
        expect(decodeURIComponent(target.path).split('/')).not.toContain('..');
      }),
      { numRuns: 5_000 },
    );
  });
});
