import { describe, expect, it } from '@jest/globals';
import { methodsOf, routeOf } from './route.js';

const project = 'prj-0123456789abcdefghjk';
const digest = `sha256:${'ab'.repeat(32)}`;

describe('a path of the registry', () => {
  it.each([
    ['/v2/', 'base', ''],
    ['/v2/_catalog', 'catalog', ''],
    [`/v2/${project}/app/tags/list`, 'tags', ''],
    [`/v2/${project}/app/manifests/1.0`, 'manifest', '1.0'],
    [`/v2/${project}/app/manifests/${digest}`, 'manifest', digest],
    [`/v2/${project}/a/b/blobs/${digest}`, 'blob', digest],
    [`/v2/library/app/blobs/uploads/`, 'upload-start', ''],
    [`/v2/library/app/blobs/uploads/1b-2c`, 'upload', '1b-2c'],
    // A repository may be called like a part of a path.
    [`/v2/${project}/tags/list/tags/list`, 'tags', ''],
    [`/v2/${project}/manifests/x/manifests/1`, 'manifest', '1'],
  ])('%s is %s', (path, kind, reference) => {
    expect(routeOf(path)).toMatchObject({ kind, ...(reference && { reference }) });
  });

  it.each([
    '/',
    '/v1/',
    '/v2x',
    '/v2/_catalog/',
    '/v2/app/manifests/1',
    `/v2/${project}/manifests/1`,
    `/v2/${project}/app/manifests/`,
    `/v2/${project}/app/manifests/-x`,
    `/v2/${project}/app/manifests/%31`,
    `/v2/${project}/app/blobs/sha512:${'ab'.repeat(64)}`,
    `/v2/${project}/app/blobs/uploads/../x`,
    `/v2/${project}/app/blobs/uploads/a/b`,
    `/v2/${project}/../library/app/tags/list`,
    `/v2/${project}/app/tags/list?n=1`,
    `/v2/${project}/${'a/'.repeat(400)}tags/list`,
  ])('%s is none', (path) => {
    expect(routeOf(path)).toBeNull();
  });

  it('knows what may be done with it', () => {
    expect(methodsOf(routeOf('/v2/_catalog')!)).toEqual(['GET']);
    expect(methodsOf(routeOf(`/v2/${project}/a/blobs/${digest}`)!)).not.toContain('PUT');
  });
});
