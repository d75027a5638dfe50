import { describe, expect, it } from '@jest/globals';
import { hostsOf, originOf } from './own-hosts.js';

describe('the names of the registry', () => {
  const hosts = hostsOf(['127.0.0.1', '10.77.0.1', '2001:db8::1'], ['Registry.Example']);

  it('are its addresses, loopback by name, and those it was given', () => {
    expect(hosts).toEqual(['127.0.0.1', '10.77.0.1', '2001:db8::1', 'localhost', 'registry.example']);
    expect(hostsOf(['10.77.0.1'], [])).toEqual(['10.77.0.1']);
    expect(hostsOf(['0.0.0.0'], [])).toEqual(expect.arrayContaining(['127.0.0.1', 'localhost']));
  });

  it.each([
    ['127.0.0.1:5000', 'https://127.0.0.1:5000'],
    ['LOCALHOST:5000', 'https://localhost:5000'],
    ['registry.example:5000', 'https://registry.example:5000'],
    ['[2001:db8::1]:5000', 'https://[2001:db8::1]:5000'],
    ['10.77.0.1', null],
    ['10.77.0.1:5001', null],
    ['10.77.0.1:5000 ', null],
    ['10.77.0.2:5000', null],
    ['10.77.0.1:5000@evil.example', null],
    ['evil.example:5000', null],
    ['2001:db8::1:5000', null],
    ['', null],
    [undefined, null],
  ])('%s is %s', (header, origin) => {
    expect(originOf(header, hosts, 5000)).toBe(origin);
  });

  it('need no port where that is the usual one', () => {
    expect(originOf('registry.example', hosts, 443)).toBe('https://registry.example:443');
  });
});
