import { expect, it } from '@jest/globals';
import { readSettings } from './settings.js';

const least = { BELLOWS_REGISTRY_FOLDER: '/r', BELLOWS_REGISTRY_SECRET: 'sixteen-or-more-1' };

it('needs a folder and a secret, and has an answer for all else', () => {
  expect(readSettings(least)).toMatchObject({
    ...{ folder: '/r', bind: ['127.0.0.1'], port: null, names: [], apiUrl: null, collectAtHour: 3 },
    control: { host: '127.0.0.1', port: 0 },
  });
  expect(readSettings({ ...least, BELLOWS_REGISTRY_COLLECT_HOUR: 'never' }).collectAtHour).toBeNull();
});

it.each([
  ['BELLOWS_REGISTRY_FOLDER', ''],
  ['BELLOWS_REGISTRY_FOLDER', 'relative'],
  ['BELLOWS_REGISTRY_SECRET', 'short'],
  ['BELLOWS_REGISTRY_PORT', '65536'],
  ['BELLOWS_REGISTRY_PORT', '-1'],
  ['BELLOWS_REGISTRY_BIND', '127.0.0.1,example'],
  ['BELLOWS_REGISTRY_NAMES', 'a b'],
  ['BELLOWS_REGISTRY_CONTROL', 'nowhere'],
  ['BELLOWS_REGISTRY_COLLECT_HOUR', '24'],
  ['BELLOWS_API_URL', 'ftp://x'],
])('says what is wrong with %s=%s', (name, value) => {
  expect(() => readSettings({ ...least, [name]: value })).toThrow(name);
});
