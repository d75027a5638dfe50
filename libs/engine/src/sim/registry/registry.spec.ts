import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Engine } from '../engine.js';
import { fileNode, tarOf } from '../files/tar-write.js';
import { ModelRegistry } from '../images/registry.js';
import { realClock } from '../simulated-engine.fixture.js';
import { readLayer, wholeBytes } from './layer-download.js';
import { readConfig, readManifest } from './manifest.js';
import { RegistryLine } from './registry-line.js';

const digestOf = (data: Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;
const engine = () => {
  const world = { clock: realClock, hostname: 'h', size: () => ({ vcpus: 1, ramMib: 512 }), id: () => 'id' };
  return new Engine(world, new ModelRegistry());
};
/** The blob as a registry's answer brings it, in pieces. */
function answerOf(blob: Buffer, pieceBytes = 1000): IncomingMessage {
  const pieces: Buffer[] = [];
  for (let at = 0; at < blob.length; at += pieceBytes) pieces.push(blob.subarray(at, at + pieceBytes));
  return Object.assign(Readable.from(pieces), { complete: true }) as unknown as IncomingMessage;
}
const askFor = (blob: Buffer, tar: Buffer) => ({
  digest: digestOf(blob),
  size: blob.length,
  diffId: digestOf(tar),
  repository: 'registry.test:1/prj/app',
});
const read = (blob: Buffer, tar: Buffer, of = engine()) =>
  readLayer(of, answerOf(blob), askFor(blob, tar), () => undefined);

describe('a layer from a registry', () => {
  const tar = tarOf([
    ['etc/own', fileNode('own\n')],
    ['../../etc/climbs', fileNode('stays inside\n')],
    [`${'deep/'.repeat(60)}long`, fileNode('long name\n')],
    ['etc/.wh.gone', fileNode('')],
  ]);

  it('is the same from a plain and from a packed blob, whatever the pieces; names do not climb out', async () => {
    for (const blob of [tar, gzipSync(tar)]) {
      const layer = await read(blob, tar);
      expect([...layer.nodes.keys()]).toEqual(
        expect.arrayContaining(['/etc/climbs', `/${'deep/'.repeat(60)}long`]),
      );
      expect(layer.nodes.get('/etc/gone')).toBeNull();
      expect(layer).toMatchObject({ sketchBytes: null, blob: { digest: digestOf(blob), size: blob.length } });
    }
  });

  it('a large one: names, small files and the true size; its memory is given back when it is disposed of', async () => {
    const of = engine();
    const large = tarOf([
      ['large', fileNode(Buffer.alloc(wholeBytes + 1, 7))],
      ['small', fileNode('small\n')],
    ]);
    const layer = await read(gzipSync(large), large, of);
    expect(layer.sketchBytes).toBe(wholeBytes + 1 + 6);
    expect(layer.nodes.get('/small')).toMatchObject({ data: Buffer.from('small\n') });
    expect(layer.nodes.get('/large')).toMatchObject({
      data: expect.objectContaining({ length: expect.any(Number) }),
    });
    expect((layer.nodes.get('/large') as { data: Buffer }).data.length).toBeLessThan(100);
    of.releaseLayers();
    // All of the quota is there again: one byte more would be refused.
    expect(() => of.quota.charge(128 * 1024 * 1024, 50_000, '/')).not.toThrow();
    expect(() => of.quota.charge(1, 0, '/')).toThrow('No space left on device');
  });

  const refused: [string, () => Promise<unknown>, RegExp][] = [
    [
      'another blob than was promised',
      () => readLayer(engine(), answerOf(gzipSync('x')), askFor(gzipSync(tar), tar), () => undefined),
      /layer verification failed for digest/,
    ],
    [
      'more than was promised',
      () => readLayer(engine(), answerOf(Buffer.concat([tar, tar])), askFor(tar, tar), () => undefined),
      /layer verification failed/,
    ],
    [
      'another content than the configuration says',
      () => read(gzipSync(tar), Buffer.from('x')),
      /don't match image configuration/,
    ],
    [
      'broken gzip',
      () => read(Buffer.concat([gzipSync(tar).subarray(0, 40), Buffer.alloc(100, 9)]), tar),
      /failed to register layer: Error processing tar file/,
    ],
    ['cut gzip', () => read(gzipSync(tar).subarray(0, -20), tar), /unexpected end of file/],
    ['no archive', () => read(gzipSync(Buffer.alloc(2000, 65)), tar), /invalid tar header/],
    [
      'an archive that is cut short',
      () => read(tar.subarray(0, 514), tar.subarray(0, 514)),
      /unexpected EOF/,
    ],
    [
      'too many entries',
      () => {
        const many = tarOf(
          Array.from({ length: 50_001 }, (_, i): [string, ReturnType<typeof fileNode>] => [
            `f${i}`,
            fileNode(''),
          ]),
        );
        return read(gzipSync(many), many);
      },
      /failed to register layer: no space left on device/,
    ],
    [
      'names that are all directories',
      () => {
        const deep = tarOf(
          Array.from({ length: 60 }, (_, i): [string, ReturnType<typeof fileNode>] => [
            `${i}/${'a/'.repeat(2000)}f`,
            fileNode(''),
          ]),
        );
        return read(gzipSync(deep), deep);
      },
      /no space left on device/,
    ],
  ];
  it.each(refused)('%s: refused, and nothing stays charged', async (_what, ask, words) => {
    await expect(ask()).rejects.toThrow(words);
  });

  it('what was refused holds nothing of the quota', async () => {
    const of = engine();
    await expect(read(gzipSync(tar), Buffer.from('x'), of)).rejects.toThrow();
    await expect(read(gzipSync(tar).subarray(0, -20), tar, of)).rejects.toThrow();
    expect(() => of.quota.charge(128 * 1024 * 1024, 50_000, '/')).not.toThrow();
  });
});

describe('manifests and configurations', () => {
  const blob = { digest: `sha256:${'a'.repeat(64)}`, size: 3 };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));

  it('of a list the one for linux/amd64', () => {
    const of = (architecture: string) => ({
      manifests: [{ ...blob, platform: { os: 'linux', architecture } }],
    });
    const list = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' };
    expect(readManifest(json({ ...list, ...of('amd64') }))).toEqual({ other: blob.digest });
    expect(() => readManifest(json({ ...list, ...of('arm64') }))).toThrow(
      'no matching manifest for linux/amd64',
    );
  });

  it.each([
    ['no JSON', Buffer.from('{')],
    ['a list', json([])],
    ['of the first schema', json({ schemaVersion: 1 })],
    ['without a configuration', json({ schemaVersion: 2, layers: [] })],
    [
      'with a digest that is a path',
      json({ schemaVersion: 2, config: { digest: '../../x', size: 1 }, layers: [] }),
    ],
    [
      'with a layer of a negative size',
      json({ schemaVersion: 2, config: blob, layers: [{ ...blob, size: -1 }] }),
    ],
    ['of too many layers', json({ schemaVersion: 2, config: blob, layers: Array(126).fill(blob) })],
  ])('a manifest %s is refused', (_what, body) => {
    expect(() => readManifest(body)).toThrow();
  });

  it('of a configuration what has another shape than it should is left out', () => {
    const config = { Env: 5, Cmd: ['a', 1], Labels: { a: 'b', c: {} }, Volumes: 'x', OnBuild: [] };
    expect(
      readConfig(json({ config, history: 'x', rootfs: { diff_ids: [] }, created: 'once' })),
    ).toMatchObject({
      config: { Env: [], Cmd: null, Labels: { a: 'b' }, Volumes: null },
      history: [],
      created: '0001-01-01T00:00:00Z',
    });
  });
});

describe('a registry that is not there', () => {
  it('is told as dockerd tells it', async () => {
    const line = new RegistryLine('127.0.0.1:1', '');
    await expect(line.ask({ method: 'GET', path: '/v2/' }, new AbortController().signal)).rejects.toThrow(
      'Get "https://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });
});
