import { describe, expect, it } from '@jest/globals';
import { engineTarget } from './target.js';

describe('what is passed on as it is', () => {
  it.each([
    '/_ping',
    '/v1.45/containers/json?all=1&filters=%7B%22a%22%3A%7B%22b%2Fc%22%3Atrue%7D%7D',
    '/images/127.0.0.1:5000/alice/busybox/push?tag=1.35',
    '/images/app:1/json',
    '/images/name@sha256:0123/json',
    '/containers/web/archive?path=%2Fetc%2F..%2Fhosts',
    '/containers/a%20b/json',
    '/containers/..a/json',
    '/containers/a../json',
    '/events?filters={"type":["container"]}',
    '/',
  ])('%s', (raw) => {
    const target = engineTarget(raw);
    expect(target && target.path + target.query).toBe(raw);
  });
});

describe('what is refused, never mended', () => {
  it.each([
    '',
    'containers/json',
    '/..',
    '/.',
    '/a/../b',
    '/a/./b',
    '/a/..',
    '/a/%2e%2e/b',
    '/a/%2E./b',
    '/a/.%2e',
    '/a/%2e/b',
    '/a/..;x/b',
    '/a/%2e%2e%3bx/b',
    '/a/%20../b',
    '/a//b',
    '//a',
    '/a%2fb',
    '/a%2F..%2Fb',
    '/a%5cb',
    '/a\\b',
    '/a%00b',
    '/a\0b',
    '/a%252e%252e/b',
    '/a%25/b',
    '/a%c0%ae%c0%ae/b',
    '/a%ef%bc%8e/b',
    '/a%3fb',
    '/a%23b',
    '/a#b',
    '/a%0d%0aX:1',
    '/a%zz',
    '/a%2',
    '/a b',
    '/a\tb',
    '/\u00e9',
    '/a?b#c',
    '/a?b c',
    '/a?b\r\nX: 1',
    '/{x}',
  ])('%j', (raw) => expect(engineTarget(raw)).toBeNull());
});
