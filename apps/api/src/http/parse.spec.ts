import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import type { FieldError } from '@bellows/domain/refusal';
import { PlanBody } from '../catalogue/plan.bodies.js';
import { CreateInstanceBody, ResizeBody } from '../instances/instance.bodies.js';
import { ProjectPageQuery } from './pages.js';
import { parse } from './parse.js';
import { Refused } from './refused.js';

const refusedFields = (Class: new () => object, value: unknown): readonly string[] => {
  try {
    parse(Class, value);
  } catch (error) {
    if (error instanceof Refused)
      return (error.refusal.errors ?? []).map(({ pointer }: FieldError) => pointer);
    throw error;
  }
  return ['(accepted)'];
};

const minimal = { name: 'web-1', plan: 'ecs-1c1g', image: 'debian-12' };
const key = `ssh-ed25519 ${'A'.repeat(68)} someone@somewhere`;

describe('a body', () => {
  it('is taken with every field it may have', () => {
    const full = {
      ...minimal,
      zone: 'zone-1',
      sshKeys: [key],
      userData: '#!/bin/sh\necho "hello"\n',
      tags: { 'team/name': 'shop', empty: '' },
      count: 100,
      antiAffinityGroup: 'web',
      dryRun: false,
    };
    expect({ ...parse(CreateInstanceBody, full) }).toEqual(expect.objectContaining(full));
  });

  it('takes null for a field that is left out', () => {
    expect(Object.keys(parse(CreateInstanceBody, { ...minimal, zone: null }))).toEqual(Object.keys(minimal));
  });

  it.each([null, undefined, 'text', 7, true, [], [minimal]])('is an object, not %p', (value) => {
    expect(() => parse(CreateInstanceBody, value)).toThrow('must be a JSON object');
  });

  it('names every unknown field by its pointer', () => {
    const odd = { ...minimal, nmae: 'x', 'a/b~c': 1, constructor: 1, toString: 1 };
    expect(refusedFields(CreateInstanceBody, odd)).toEqual([
      '/nmae',
      '/a~1b~0c',
      '/constructor',
      '/toString',
    ]);
  });

  it('does not let a key named __proto__ through', () => {
    const value: unknown = JSON.parse(`{"name":"a","plan":"p","image":"i","__proto__":{"count":5}}`);
    expect(refusedFields(CreateInstanceBody, value)).toEqual(['/__proto__']);
  });

  it.each([
    ['/name', { name: '' }],
    ['/name', { name: '-web' }],
    ['/name', { name: 'Web' }],
    ['/name', { name: 'a'.repeat(64) }],
    ['/name', { name: 'web\n' }],
    ['/name', { name: 'we\0b' }],
    ['/name', { name: ['web'] }],
    ['/plan', { plan: 'a b' }],
    ['/count', { count: 0 }],
    ['/count', { count: 101 }],
    ['/count', { count: 1.5 }],
    ['/count', { count: '2' }],
    ['/count', { count: 1e400 }],
    ['/dryRun', { dryRun: 'yes' }],
    ['/userData', { userData: 'a\0b' }],
    ['/userData', { userData: '\ud800' }],
    ['/userData', { userData: 'x'.repeat(65_537) }],
    ['/sshKeys', { sshKeys: key }],
    ['/sshKeys', { sshKeys: [`${key}\n${key}`] }],
    ['/sshKeys', { sshKeys: [`${key}"`] }],
    ['/sshKeys', { sshKeys: ['command="rm -rf /" ' + key] }],
    ['/sshKeys', { sshKeys: Array<string>(33).fill(key) }],
    ['/tags', { tags: { 'a b': 'x' } }],
    ['/tags', { tags: { a: 1 } }],
    ['/tags', { tags: { a: 'x'.repeat(256) } }],
    ['/tags', { tags: ['a'] }],
    ['/tags', { tags: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`t${n}`, ''])) }],
  ])('points to %s in %j', (pointer, odd) => {
    expect(refusedFields(CreateInstanceBody, { ...minimal, ...odd })).toEqual([pointer]);
  });

  it('checks a body within the body by the same rules', () => {
    const plan = {
      id: 'p',
      family: 'ecs',
      vcpus: 1,
      ramMib: 1024,
      diskGib: 20,
      bandwidthMbps: 100,
      pricePerHour: '0.01',
    };
    expect(refusedFields(PlanBody, { ...plan, floor: { vcpus: 0, ramMib: 1024, more: 1 } })).toEqual([
      '/floor/more',
      '/floor/vcpus',
    ]);
    expect(refusedFields(PlanBody, { ...plan, floor: 1, ceiling: [] })).toEqual(['/floor', '/ceiling']);
    for (const pricePerHour of ['1.', '.5', '-1', '1e3', '0.0000001', 0.5]) {
      expect(refusedFields(PlanBody, { ...plan, pricePerHour })).toEqual(['/pricePerHour']);
    }
  });

  it('inherits the fields of the body it extends', () => {
    expect(parse(ResizeBody, { plan: 'ecs-2c2g', allow: ['live'] })).toMatchObject({ plan: 'ecs-2c2g' });
    expect(refusedFields(ResizeBody, { vcpus: 0, allow: ['sideways'] }).toSorted()).toEqual([
      '/allow',
      '/vcpus',
    ]);
  });

  it('says how much more is wrong, and shows at most fifty', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`odd${n}`, n]));
    expect(refusedFields(CreateInstanceBody, { ...minimal, ...many })).toHaveLength(50);
  });
});

describe('a query', () => {
  it.each(['0', '501', '-1', '1.5', '007', 'ten', ''])('has no page of %s', (limit) => {
    expect(refusedFields(ProjectPageQuery, { limit })).toEqual(['/limit']);
  });

  it('refuses a parameter that is given twice', () => {
    expect(refusedFields(ProjectPageQuery, { limit: ['1', '2'] })).toEqual(['/limit']);
  });
});
