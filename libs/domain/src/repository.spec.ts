import { describe, expect, it } from '@jest/globals';
import { isDigest, isTag, ownerOf } from './repository.js';

const project = 'prj-0123456789abcdefghjk';

describe('the owner of a repository', () => {
  it('is the project whose id the name begins with, or nobody in particular', () => {
    expect(ownerOf(`${project}/app`)).toEqual({ project });
    expect(ownerOf(`${project}/team/app-1_x.y`)).toEqual({ project });
    expect(ownerOf('library/python')).toEqual({ project: null });
  });

  it.each([
    'app',
    project,
    `${project}/`,
    `/${project}/app`,
    `${project}//app`,
    `${project}/../library/app`,
    `${project}/.`,
    `${project}/App`,
    `${project}/a%2fb`,
    `${project}/-a`,
    `${project}x/app`,
    'shop/app',
    'library',
    'library2/app',
    `${project}/${'a'.repeat(240)}`,
  ])('is nobody for %s', (name) => {
    expect(ownerOf(name)).toBeNull();
  });
});

it('knows tags and digests', () => {
  expect(['latest', '1.0-rc_1', '_x'].every(isTag)).toBe(true);
  expect(['', '.x', '-x', 'a/b', 'a:b', 'x'.repeat(129)].some(isTag)).toBe(false);
  expect(isDigest(`sha256:${'0a'.repeat(32)}`)).toBe(true);
  expect(isDigest(`sha256:${'0A'.repeat(32)}`)).toBe(false);
  expect(isDigest(`md5:${'0a'.repeat(16)}`)).toBe(false);
});
