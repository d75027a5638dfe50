import { describe, expect, it } from '@jest/globals';
import type { ProjectId } from '@bellows/domain/ids';
import type { Principal } from '../cloud.js';
import type { Role } from '../ports/rows.js';
import { granted, scopesOf } from './grants.js';

const own = 'prj-0123456789abcdefghjk';
const foreign = 'prj-zzzzzzzzzzzzzzzzzzzz';
const someone = (role: Role): Principal => ({
  actor: 'tok-1',
  role,
  projectId: role === 'admin' ? null : (own as ProjectId),
});
const actions = (principal: Principal | null, ...scopes: string[]) =>
  granted(principal, scopesOf(scopes)).map((grant) => `${grant.name}:${grant.actions.join()}`);
const all = (name: string) => `repository:${name}:pull,push,delete`;

describe('what a token of the registry may', () => {
  it.each([
    ['viewer', 'pull'],
    ['member', 'pull,push,delete'],
    ['owner', 'pull,push,delete'],
    ['admin', 'pull,push,delete'],
  ] as const)('%s: %s in the own project', (role, may) => {
    expect(actions(someone(role), all(`${own}/app`))).toEqual([`${own}/app:${may}`]);
  });

  it.each(['viewer', 'member', 'owner'] as const)('%s: nothing in another project', (role) => {
    expect(actions(someone(role), all(`${foreign}/app`), all(`${own}x/app`))).toEqual([]);
  });

  it('everybody pulls base images, and admins alone change them', () => {
    expect(actions(null, all('library/python'))).toEqual(['library/python:pull']);
    expect(actions(someone('owner'), all('library/python'))).toEqual(['library/python:pull']);
    expect(actions(someone('admin'), all('library/python'))).toEqual(['library/python:pull,push,delete']);
    expect(actions(null, all(`${own}/app`))).toEqual([]);
  });

  it('each scope is judged by itself, so that a mount needs pull on its source', () => {
    expect(actions(someone('member'), all(`${own}/app`), `repository:${foreign}/app:pull`)).toEqual([
      `${own}/app:pull,push,delete`,
    ]);
  });

  it('nothing is wider than what was asked', () => {
    expect(actions(someone('admin'), `repository:${own}/app:pull`)).toEqual([`${own}/app:pull`]);
    expect(actions(someone('owner'), `repository:${own}/app:*`)).toEqual([]);
    expect(actions(someone('owner'), 'registry:catalog:*')).toEqual([]);
    expect(actions(someone('admin'), 'registry:catalog:*')).toEqual(['catalog:*']);
  });

  it.each([
    '',
    'repository',
    `repository:${own}/app`,
    `repository:${own}/app:PULL`,
    `repository:${own}/../${foreign}/app:pull`,
    `repository:${own}/app:pull:${foreign}`,
    'repository::pull',
    'repository:*:pull',
    `plugin:${own}/app:pull`,
  ])('%s is no scope', (scope) => {
    expect(actions(someone('owner'), scope)).toEqual([]);
  });

  it('reads several scopes of one parameter, and a bounded number of them', () => {
    expect(scopesOf([`repository:${own}/a:pull repository(image):${own}/b:pull,push`])).toHaveLength(2);
    expect(scopesOf([Array(1000).fill(`repository:${own}/a:pull`).join(' ')])).toHaveLength(64);
  });
});
