import { describe, expect, it } from '@jest/globals';
import { sees } from './confirm-engine.js';

const said = (more: object) => ({
  cpus: 2,
  memTotalMib: 1997,
  cgroups: 2 as const,
  container: { name: 'web', cpus: 2 },
  ...more,
});
const size = { vcpus: 2, ramMib: 2048 };

describe('an engine sees a size', () => {
  it.each([
    ['as our images count it', said({})],
    ['with nothing running', said({ container: null })],
    ['with memory that its owner keeps for a crash kernel', said({ memTotalMib: 1997 - 256 })],
    ['with a block that is about to go', said({ memTotalMib: 2048 + 128 })],
    ['with old control groups, while nothing runs', said({ cgroups: 1, container: null })],
  ])('%s', (_what, machine) => expect(sees(machine, size)).toBe(true));

  it.each([
    ['with the CPUs it had before a growth', said({ cpus: 1 })],
    ['with the CPUs it had before a shrink', said({ cpus: 4 })],
    ['with the memory it had before a growth', said({ memTotalMib: 973 })],
    ['with the memory it had before a shrink', said({ memTotalMib: 4045 })],
    ['while its container does not', said({ container: { name: 'web', cpus: 1 } })],
    ['while its container will not, in control groups of version 1', said({ cgroups: 1 })],
  ])('not %s', (_what, machine) => expect(sees(machine, size)).toBe(false));
});
