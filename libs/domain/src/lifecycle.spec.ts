import { describe, expect, it } from '@jest/globals';
import {
  allows,
  can,
  instanceStates,
  transitions,
  type InstanceAction,
  type InstanceState,
} from './lifecycle.js';

describe('the lifecycle of an instance', () => {
  it('reaches every state from provisioning that this cloud has an operation for', () => {
    const reached = new Set<InstanceState>(['provisioning']);
    for (let before = -1; before !== reached.size;) {
      before = reached.size;
      for (const state of reached) for (const next of transitions[state]) reached.add(next);
    }
    // Nothing pauses, migrates or rebuilds yet.
    const waiting: InstanceState[] = ['paused', 'migrating', 'rebuilding'];
    expect([...reached].sort()).toEqual(instanceStates.filter((state) => !waiting.includes(state)).sort());
  });

  it('ends only in deleted, which nothing leaves and nothing acts on', () => {
    expect(instanceStates.filter((state) => transitions[state].length === 0)).toEqual(['deleted']);
    for (const action of Object.keys(can) as InstanceAction[]) expect(allows(action, 'deleted')).toBe(false);
  });

  it('can be deleted from every state but the last, again where a delete got stuck', () => {
    const not = instanceStates.filter((state) => !allows('delete', state));
    expect(not).toEqual(['deleted']);
    for (const state of can.delete) expect([state, ...transitions[state]]).toContain('deleting');
  });
});
