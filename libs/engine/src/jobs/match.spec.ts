import { describe, expect, it } from '@jest/globals';
import type { EngineEvent } from '@bellows/operations/ports/engine-jobs';
import { jobsOf, learnt, type Candidate } from './match.js';
import { reduceEvent } from './reduce.js';
import { jobRoute } from './routes.js';

const id = 'c0ffee'.repeat(10) + 'abcd';
const event = (
  type: string,
  action: string,
  ID: string,
  Attributes: Record<string, string> = {},
): EngineEvent => reduceEvent({ Type: type, Action: action, Actor: { ID, Attributes } }, 1)!;
const job = (call: string, running = true): Candidate & { call: string } => {
  const [method, path] = call.split(' ') as [string, string];
  return { ...jobRoute(method, path)!, running, call };
};
const calls = (found: readonly { call: string }[]) => found.map(({ call }) => call);
const web = { name: 'web', image: 'busybox:1.35' };

describe('the job an event is of', () => {
  it('is the one about the same container that brings it about, by name, id or the beginning of an id', () => {
    const jobs = ['web', id, id.slice(0, 12), 'c0f', 'other'].map((text) =>
      job(`POST /containers/${text}/start`),
    );
    expect(calls(jobsOf(event('container', 'start', id, web), jobs))).toEqual(calls(jobs.slice(0, 4)));
    expect(jobsOf(event('container', 'pause', id, web), jobs)).toEqual([]);
  });

  it('is of those under way, and only when there is none the newest that has ended', () => {
    const [wait, newer, older] = [
      job('POST /containers/web/wait'),
      job('POST /containers/web/start', false),
      job(`POST /containers/${id}/start`, false),
    ];
    const died = event('container', 'die', id, { ...web, exitCode: '3' });
    expect(died.exitCode).toBe(3);
    expect(jobsOf(died, [wait, newer, older])).toEqual([wait]);
    expect(jobsOf(died, [newer, older])).toEqual([newer]);
  });

  it('is found for a container without a name while one create alone waits for its own', () => {
    const created = event('container', 'create', id, web);
    const [named, nameless] = [job('POST /containers/create?name=web'), job('POST /containers/create')];
    expect(jobsOf(created, [nameless])).toEqual([nameless]);
    expect(jobsOf(created, [nameless, named])).toEqual([named]);
    expect(jobsOf(created, [nameless, job('POST /containers/create')])).toEqual([]);
  });

  it('of an exec goes by the id of the exec', () => {
    const [one, two] = [job('POST /exec/e1/start'), job('POST /exec/e2/start')];
    expect(
      jobsOf(event('container', 'exec_die', id, { ...web, execID: 'e2', exitCode: '0' }), [one, two]),
    ).toEqual([two]);
  });

  it('of an image goes by any of its references', () => {
    const pull = job('POST /images/create?fromImage=docker.io%2Flibrary%2Fbusybox&tag=latest');
    expect(jobsOf(event('image', 'pull', 'busybox:latest', { name: 'busybox' }), [pull])).toEqual([pull]);
    expect(jobsOf(event('image', 'pull', 'alpine:latest', { name: 'alpine' }), [pull])).toEqual([]);
    const push = job('POST /images/10.0.0.1:5000/a/box/push?tag=1');
    expect(jobsOf(event('image', 'push', '10.0.0.1:5000/a/box:1', {}), [push])).toEqual([push]);
    const tag = job('POST /images/app:1/tag?repo=docker.io%2Flibrary%2Fapp&tag=2');
    expect(jobsOf(event('image', 'tag', 'sha256:ab', { name: 'app:2' }), [tag])).toEqual([tag]);
    const rm = job('DELETE /images/app:2');
    expect(jobsOf(event('image', 'untag', 'sha256:ab', { name: 'app:2' }), [rm])).toEqual([rm]);
  });

  it('tells what the call was about', () => {
    const create = job('POST /containers/create');
    expect(learnt(create, event('container', 'create', id, web))).toEqual([
      { kind: 'container', id, name: 'web' },
      { kind: 'image', id: null, name: 'busybox:1.35' },
    ]);
    expect(learnt(job('POST /networks/create'), event('network', 'create', id, { name: 'n1' }))).toEqual([
      { kind: 'network', id, name: 'n1' },
    ]);
    expect(learnt(job('POST /volumes/create'), event('volume', 'create', 'v1'))).toEqual([
      { kind: 'volume', id: null, name: 'v1' },
    ]);
    const prune = job('POST /containers/prune');
    expect(learnt(prune, event('container', 'destroy', id, web))).toEqual([]);
  });
});
