import { describe, expect, it } from '@jest/globals';
import { ServerEvents } from './server-events.js';

const text =
  'retry: 2000\nid: 4\n\n: heartbeat\nid: 5\n\nid: 6\nevent: engine-job\ndata: {"a":1}\n\nevent: resync\ndata:x\n\n';

describe('server-sent events', () => {
  it.each([1, 2, 7, 1_000])('are read in pieces of %d characters', (size) => {
    const events = new ServerEvents();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...events.feed(text.slice(at, at + size)));
    expect(found).toEqual([
      { event: 'engine-job', data: '{"a":1}' },
      { event: 'resync', data: 'x' },
    ]);
    expect(events.lastId).toBe('6');
  });

  it('that never end are given up', () => {
    const events = new ServerEvents();
    expect(() => {
      for (let n = 0; n < 3; n++) events.feed('x'.repeat(600_000));
    }).toThrow('no events that end');
  });
});
