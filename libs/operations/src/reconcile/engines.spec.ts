import { describe, expect, it } from '@jest/globals';
import type { InstanceId } from '@bellows/domain/ids';
import type { Engine } from '../ports/engine.js';
import { engineSeen } from './engines.js';

const minute = 60_000;
const instance = { id: 'i-00000000000000000000' as InstanceId, updatedAt: 1_000 * minute };
const was = (state: Engine['state'], version: string | null = null): Engine => ({
  instanceId: instance.id,
  state,
  version,
  seenAt: 0,
});
const seen = (before: Engine | null, version: string | null, minutesLater: number) => {
  const { state, version: kept } = engineSeen(
    instance,
    before,
    version,
    instance.updatedAt + minutesLater * minute,
  );
  return [state, kept];
};

describe("what is said of a guest's engine", () => {
  it('is ready once it has answered, whatever was thought before', () => {
    expect(seen(null, '26.1.5', 0)).toEqual(['ready', '26.1.5']);
    expect(seen(was('failed', '20.10'), '26.1.5', 90)).toEqual(['ready', '26.1.5']);
  });

  it('is starting for a while after the guest has', () => {
    expect(seen(null, null, 1)).toEqual(['starting', null]);
    expect(seen(was('ready', '26.1.5'), null, 1)).toEqual(['starting', '26.1.5']);
  });

  it('is absent where none ever spoke, and failed where one did', () => {
    expect(seen(was('starting'), null, 4)).toEqual(['absent', null]);
    expect(seen(was('ready', '26.1.5'), null, 4)).toEqual(['failed', '26.1.5']);
    expect(seen(was('failed', '26.1.5'), null, 1)).toEqual(['failed', '26.1.5']);
  });
});
