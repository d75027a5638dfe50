import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HostId, InstanceId } from '@bellows/domain/ids';
import { RecordingEngine } from '@bellows/engine/proxy/recording-engine.fixture';
import { Gateway } from '@bellows/gateway/gateway';
import { askThrough } from './ask-engine.js';

const secret = 'gateway-secret-of-the-tests';
const host = { id: 'h-00000000000000000000' as HostId, driver: 'sim', uri: 'sim:a' } as const;
const instanceId = 'i-00000000000000000000' as InstanceId;
let [engine, gateway, url] = [null! as RecordingEngine, null! as Gateway, ''];
beforeAll(async () => {
  engine = await RecordingEngine.start();
  gateway = new Gateway({ secret, streams: engine });
  url = await gateway.listen('127.0.0.1', 0);
});
afterAll(async () => {
  await gateway.close();
  await engine.close();
});

describe('asking an engine for its version', () => {
  it.each([
    ['{"Version":"26.1.5+dfsg1"}', '26.1.5+dfsg1'],
    ['{"Version":"<script>"}', null],
    ['{"Version":7}', null],
    ['{"Version":""}', null],
    ['null', null],
    ['not json', null],
    [`{"Version":"2${'6'.repeat(64)}"}`, null],
  ])('%j', async (said, version) => {
    engine.serve = (_asked, answer) => void answer.end(said);
    expect(await askThrough({ url, secret })(host, instanceId)).toBe(version);
  });

  it('is null for an answer without an end', async () => {
    engine.serve = (_asked, answer) => void answer.end(`{"Version":"26","x":"${'x'.repeat(70_000)}"}`);
    expect(await askThrough({ url, secret })(host, instanceId)).toBeNull();
  });

  it('is null where it does not answer, and where the gateway is away', async () => {
    engine.serve = (_asked, answer) => void answer.writeHead(500).end('{"Version":"26"}');
    expect(await askThrough({ url, secret })(host, instanceId)).toBeNull();
    expect(await askThrough({ url, secret: 'another-secret-than-that' })(host, instanceId)).toBeNull();
    expect(await askThrough({ url: 'http://127.0.0.1:9', secret })(host, instanceId)).toBeNull();
  });
});
