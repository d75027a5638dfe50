import { describe, expect, it } from '@jest/globals';
import { parseUri } from './uri.js';

describe('parseUri', () => {
  it.each([
    ['qemu:///system', { transport: 'unix', path: '/run/libvirt/libvirt-sock' }, 'qemu:///system'],
    ['test:///default', { transport: 'unix', path: '/run/libvirt/libvirt-sock' }, 'test:///default'],
    ['qemu+unix:///system?socket=/x/y-sock', { transport: 'unix', path: '/x/y-sock' }, 'qemu:///system'],
    ['qemu+tcp://host-1/system', { transport: 'tcp', host: 'host-1', port: 16509 }, 'qemu:///system'],
    ['qemu+tcp://user@[::1]:99/system', { transport: 'tcp', host: '::1', port: 99 }, 'qemu:///system'],
    ['qemu+tls://h/system', { transport: 'tls', host: 'h', port: 16514 }, 'qemu:///system'],
    ['qemu://h/system', { transport: 'tls', host: 'h', port: 16514 }, 'qemu:///system'],
    ['test+unix:///default?socket=/s&name=test:///other', { transport: 'unix', path: '/s' }, 'test:///other'],
    [
      'qemu+unix:///system?socket=/s&mode=direct',
      { transport: 'unix', path: '/s' },
      'qemu:///system?mode=direct',
    ],
  ])('%s', (uri, target, name) => {
    expect(parseUri(uri)).toEqual({ target, name });
  });

  it('takes the read-only socket for a read-only connection', () => {
    expect(parseUri('qemu:///system', true).target).toEqual({
      transport: 'unix',
      path: '/run/libvirt/libvirt-sock-ro',
    });
  });

  it.each(['', 'qemu', 'qemu+ssh://h/system', 'qemu+tcp:///system', 'qemu+unix://h/system'])(
    'refuses %p',
    (uri) => {
      expect(() => parseUri(uri)).toThrow(TypeError);
    },
  );
});
