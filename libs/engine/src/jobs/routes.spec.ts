import { describe, expect, it } from '@jest/globals';
import { jobRoute } from './routes.js';

const hex = 'c0ffee'.repeat(10) + 'abcd';

/** What the stock CLI sends for its commands (docker 28.2 against API 1.45), and what each becomes. */
const calls: readonly (readonly [call: string, route: string, verb: string, about?: string])[] = [
  ['GET /version', 'GET /version', 'version'],
  ['GET /info', 'GET /info', 'info'],
  ['GET /events?filters=%7B%7D', 'GET /events', 'events'],
  ['GET /system/df', 'GET /system/df', 'system df'],
  ['POST /auth', 'POST /auth', 'login'],
  ['GET /images/json', 'GET /images/json', 'image ls'],
  [
    'POST /images/create?fromImage=10.0.0.1%3A5000%2Fa%2Fbox&tag=1.35',
    'POST /images/create',
    'image pull',
    'image:10.0.0.1:5000/a/box:1.35',
  ],
  [
    'POST /images/create?fromImage=box&tag=sha256%3Aab',
    'POST /images/create',
    'image pull',
    'image:box@sha256:ab',
  ],
  ['POST /images/create?fromSrc=-&repo=imp%3A1', 'POST /images/create', 'image import', 'image:imp:1'],
  [
    'POST /images/10.0.0.1:5000/a/box/push?tag=1',
    'POST /images/{name}/push',
    'image push',
    'image:10.0.0.1:5000/a/box:1',
  ],
  ['POST /images/app:1/tag?repo=x&tag=2', 'POST /images/{name}/tag', 'image tag', 'image:app:1 image:x:2'],
  ['GET /images/app:1/history', 'GET /images/{name}/history', 'image history', 'image:app:1'],
  ['GET /images/app:1/json', 'GET /images/{name}/json', 'image inspect', 'image:app:1'],
  ['GET /images/get?names=app%3A1', 'GET /images/get', 'image save', 'image:app:1'],
  ['GET /images/search?term=foo', 'GET /images/search', 'search'],
  ['POST /images/load?quiet=1', 'POST /images/load', 'image load'],
  ['POST /images/prune?filters=%7B%7D', 'POST /images/prune', 'image prune'],
  ['DELETE /images/app:2', 'DELETE /images/{name}', 'image rm', 'image:app:2'],
  ['POST /build?dockerfile=Dockerfile&t=app%3A1&version=1', 'POST /build', 'image build', 'image:app:1'],
  ['POST /build/prune?filters=', 'POST /build/prune', 'builder prune'],
  ['POST /session', 'POST /session', 'builder session'],
  ['POST /grpc', 'POST /grpc', 'builder grpc'],
  ['GET /containers/json?all=1', 'GET /containers/json', 'container ls'],
  ['POST /containers/create', 'POST /containers/create', 'container create'],
  ['POST /containers/create?name=web', 'POST /containers/create', 'container create', 'container:web'],
  [`POST /containers/${hex}/start`, 'POST /containers/{id}/start', 'container start', `container#${hex}`],
  ['POST /containers/web/stop?t=1', 'POST /containers/{id}/stop', 'container stop', 'container:web'],
  ['POST /containers/web/restart', 'POST /containers/{id}/restart', 'container restart', 'container:web'],
  ['POST /containers/web/kill?signal=WINCH', 'POST /containers/{id}/kill', 'container kill', 'container:web'],
  ['POST /containers/web/pause', 'POST /containers/{id}/pause', 'container pause', 'container:web'],
  ['POST /containers/web/unpause', 'POST /containers/{id}/unpause', 'container unpause', 'container:web'],
  ['POST /containers/web/update', 'POST /containers/{id}/update', 'container update', 'container:web'],
  ['POST /containers/web/rename?name=w', 'POST /containers/{id}/rename', 'container rename', 'container:web'],
  [
    'POST /containers/web/resize?h=1&w=2',
    'POST /containers/{id}/resize',
    'container resize',
    'container:web',
  ],
  ['POST /containers/web/wait', 'POST /containers/{id}/wait', 'container wait', 'container:web'],
  [
    'POST /containers/web/attach?stream=1',
    'POST /containers/{id}/attach',
    'container attach',
    'container:web',
  ],
  ['POST /containers/web/exec', 'POST /containers/{id}/exec', 'container exec', 'container:web'],
  ['POST /exec/abc/start', 'POST /exec/{id}/start', 'exec start'],
  ['POST /exec/abc/resize?h=4&w=1', 'POST /exec/{id}/resize', 'exec resize'],
  ['GET /exec/abc/json', 'GET /exec/{id}/json', 'exec inspect'],
  ['GET /containers/web/json', 'GET /containers/{id}/json', 'container inspect', 'container:web'],
  ['GET /containers/web/logs?follow=1', 'GET /containers/{id}/logs', 'container logs', 'container:web'],
  ['GET /containers/web/stats?stream=0', 'GET /containers/{id}/stats', 'container stats', 'container:web'],
  ['GET /containers/web/top', 'GET /containers/{id}/top', 'container top', 'container:web'],
  ['GET /containers/web/changes', 'GET /containers/{id}/changes', 'container diff', 'container:web'],
  ['HEAD /containers/web/archive?path=a', 'HEAD /containers/{id}/archive', 'container cp', 'container:web'],
  ['PUT /containers/web/archive?path=a', 'PUT /containers/{id}/archive', 'container cp', 'container:web'],
  ['POST /containers/prune', 'POST /containers/prune', 'container prune'],
  ['DELETE /containers/web?force=1', 'DELETE /containers/{id}', 'container rm', 'container:web'],
  [
    'POST /commit?container=web&repo=snap&tag=1',
    'POST /commit',
    'container commit',
    'container:web image:snap:1',
  ],
  ['GET /networks', 'GET /networks', 'network ls'],
  ['GET /networks/n1', 'GET /networks/{id}', 'network inspect', 'network:n1'],
  ['POST /networks/create', 'POST /networks/create', 'network create'],
  ['POST /networks/n1/connect', 'POST /networks/{id}/connect', 'network connect', 'network:n1'],
  ['POST /networks/n1/disconnect', 'POST /networks/{id}/disconnect', 'network disconnect', 'network:n1'],
  ['DELETE /networks/n1', 'DELETE /networks/{id}', 'network rm', 'network:n1'],
  ['GET /volumes', 'GET /volumes', 'volume ls'],
  ['POST /volumes/create', 'POST /volumes/create', 'volume create'],
  ['DELETE /volumes/v1', 'DELETE /volumes/{name}', 'volume rm', 'volume:v1'],
  ['GET /distribution/a/b/json', 'GET /distribution/{name}/json', 'manifest inspect', 'image:a/b'],
];

const said = (method: string, path: string) => {
  const found = jobRoute(method, path)!;
  const about = found.subjects.map(({ kind, id, name }) =>
    id === null ? `${kind}:${name}` : `${kind}#${id}`,
  );
  return [found.route, found.verb, about.join(' ')];
};

describe('a call of the engine', () => {
  it.each(calls)('%s', (call, route, verb, about = '') => {
    const [method, path] = call.split(' ') as [string, string];
    expect(said(method, path)).toEqual([route, verb, about]);
    expect(said(method, `/v1.45${path}`)).toEqual([route, verb, about]);
  });

  it('to _ping is no job', () => {
    expect(jobRoute('HEAD', '/_ping')).toBeNull();
    expect(jobRoute('GET', '/v1.45/_ping')).toBeNull();
  });

  it('that is not in the table is one, without the text of its path', () => {
    expect(jobRoute('POST', '/bulk/secret?token=1')).toMatchObject({
      route: 'POST (unknown)',
      verb: 'other',
      subjects: [],
    });
    expect(jobRoute('GET', '/containers/a/b/json')).toMatchObject({ route: 'GET (unknown)' });
    expect(jobRoute('PATCH', '/')).toMatchObject({ route: 'PATCH (unknown)' });
  });

  it('names things in short text without control characters, whatever was sent', () => {
    const [subject] = jobRoute('GET', `/containers/a%1b%5B2J%e2%80%ae${'b'.repeat(999)}/json`)!.subjects;
    expect(subject!.name).toMatch(/^a\[2Jb{250,252}$/);
    expect(jobRoute('GET', '/containers/%ff/json')!.subjects[0]!.name).toBe('%ff');
  });

  it('keeps the id of an exec apart', () => {
    expect(jobRoute('POST', '/exec/abc/start')).toMatchObject({ execId: 'abc', subjects: [] });
  });
});
