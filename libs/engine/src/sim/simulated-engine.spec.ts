import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fileNode, tarOf } from './files/tar-write.js';
import { readTar } from './files/tar-read.js';
import { sha256 } from './world.js';
import { readAll, simulatedEngine, unframed } from './simulated-engine.fixture.js';

let engine: Awaited<ReturnType<typeof simulatedEngine>>;
beforeAll(async () => {
  engine = await simulatedEngine();
  await engine.ask('POST', '/images/create?fromImage=busybox&tag=latest');
});
afterAll(() => engine.close());

const exitOf = (id: string) => engine.ask('GET', `/containers/${id}/json`).then(({ json }) => json.State);

describe('what the engine says of itself', () => {
  it('says that it is simulated, and has the size of its instance', async () => {
    const { json } = await engine.ask('GET', '/v1.45/info');
    expect(json).toMatchObject({
      OperatingSystem: 'Bellows simulator',
      ServerVersion: '26.1.5-sim',
      NCPU: 2,
    });
    expect(json.MemTotal).toBe(1024 * 1024 * 1024);
    engine.size.vcpus = 3;
    expect((await engine.ask('GET', '/info')).json.NCPU).toBe(3);
    engine.size.vcpus = 2;
  });

  it('has clients use the classic builder', async () => {
    const { status, headers } = await engine.ask('HEAD', '/_ping');
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'builder-version': '1', 'api-version': '1.45' });
  });

  it.each([
    ['GET', '/v1.46/info', 400, 'client version 1.46 is too new. Maximum supported API version is 1.45'],
    [
      'GET',
      '/v1.12/info',
      400,
      'client version 1.12 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
    ],
    ['GET', '/nothing', 404, 'page not found'],
    ['GET', '/containers/nosuch/json', 404, 'No such container: nosuch'],
    ['GET', '/images/nosuch/json', 404, 'No such image: nosuch:latest'],
    ['GET', '/networks/nosuch', 404, 'network nosuch not found'],
    ['GET', '/volumes/nosuch', 404, 'get nosuch: no such volume'],
    [
      'POST',
      '/images/create?fromImage=nosuch&tag=1',
      404,
      "pull access denied for nosuch, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    ],
    [
      'POST',
      '/build?version=2',
      400,
      'BuildKit is not modelled by the Bellows simulator: build with the classic builder (DOCKER_BUILDKIT=0)',
    ],
    ['DELETE', '/networks/bridge', 403, 'bridge is a pre-defined network and cannot be removed'],
  ])('%s %s → %i', async (method, path, status, message) => {
    const answer = await engine.ask(method, path);
    expect({ status: answer.status, message: answer.json.message }).toEqual({ status, message });
  });
});

describe('containers', () => {
  it('run to their exit code, and log both streams', async () => {
    const { code, output } = await engine.run('busybox', ['sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect({ code, output }).toEqual({ code: 7, output: 'out\nerr\n' });
  });

  it('are refused twice the same name, and names that are none', async () => {
    await engine.ask('POST', '/containers/create?name=web', { Image: 'busybox', Cmd: ['true'] });
    const again = await engine.ask('POST', '/containers/create?name=web', {
      Image: 'busybox',
      Cmd: ['true'],
    });
    expect(again.status).toBe(409);
    expect(again.json.message).toContain(
      'Conflict. The container name "/web" is already in use by container',
    );
    const odd = await engine.ask('POST', '/containers/create?name=z', { Image: 'busybox', Cmd: ['true'] });
    expect(odd.json.message).toBe('Invalid container name (z), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed');
    await engine.ask('DELETE', '/containers/web');
  });

  it('whose program is not there do not start, and say so as runc does', async () => {
    const { json } = await engine.ask('POST', '/containers/create', { Image: 'busybox', Cmd: ['nosuch'] });
    const start = await engine.ask('POST', `/containers/${json.Id}/start`);
    expect(start.json.message).toContain('exec: "nosuch": executable file not found in $PATH: unknown');
    expect(await exitOf(json.Id)).toMatchObject({ Status: 'created', ExitCode: 127 });
  });

  it('over their memory limit are killed, and it shows', async () => {
    const HostConfig = { Memory: 64 * 1024 * 1024 };
    const { id, code } = await engine.run('busybox', ['tail', '/dev/zero'], { HostConfig });
    expect(code).toBe(137);
    expect(await exitOf(id)).toMatchObject({ OOMKilled: true, ExitCode: 137 });
  });

  it('that need more than the instance has are killed as well', async () => {
    const { id } = await engine.run('busybox', [
      'stress',
      '--vm',
      '1',
      '--vm-bytes',
      '2G',
      '--timeout',
      '30',
    ]);
    expect(await exitOf(id)).toMatchObject({ OOMKilled: true });
  });

  it('are deaf to SIGTERM as PID 1 until they are killed; a trap hears it', async () => {
    const start = async (script: string) => {
      const { json } = await engine.ask('POST', '/containers/create', {
        Image: 'busybox',
        Cmd: ['sh', '-c', script],
      });
      await engine.ask('POST', `/containers/${json.Id}/start`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await engine.ask('POST', `/containers/${json.Id}/stop?t=1`);
      return (await exitOf(json.Id)).ExitCode;
    };
    expect(await start('while true; do sleep 1; done')).toBe(137);
    expect(await start('trap "exit 3" TERM; while true; do sleep 0.1; done')).toBe(3);
  });

  it('come back by their restart policy, and not more often than it says', async () => {
    const HostConfig = { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } };
    const { json } = await engine.ask('POST', '/containers/create', {
      Image: 'busybox',
      Cmd: ['false'],
      HostConfig,
    });
    await engine.ask('POST', `/containers/${json.Id}/start`);
    await new Promise((resolve) => setTimeout(resolve, 900));
    const after = (await engine.ask('GET', `/containers/${json.Id}/json`)).json;
    expect(after).toMatchObject({ RestartCount: 2, State: { Status: 'exited', ExitCode: 1 } });
  });

  it('stop with their instance; `always` starts with it again, and clients are let in', async () => {
    const HostConfig = { RestartPolicy: { Name: 'always' } };
    const ids: string[] = [];
    for (const more of [{ HostConfig }, {}]) {
      const { json } = await engine.ask('POST', '/containers/create', {
        Image: 'busybox',
        Cmd: ['sleep', '60'],
        ...more,
      });
      await engine.ask('POST', `/containers/${json.Id}/start`);
      ids.push(json.Id);
    }
    engine.engines.stopped('instance-one');
    await new Promise((resolve) => setTimeout(resolve, 50));
    engine.engines.started('instance-one');
    expect((await exitOf(ids[0]!)).Status).toBe('running');
    expect(await exitOf(ids[1]!)).toMatchObject({ Status: 'exited', ExitCode: 137 });
    for (const id of ids) await engine.ask('DELETE', `/containers/${id}?force=1`);
  });

  it('serve each other by name in a network of their own, and only there', async () => {
    await engine.ask('POST', '/images/create?fromImage=nginx&tag=latest');
    await engine.ask('POST', '/networks/create', { Name: 'front' });
    const HostConfig = { NetworkMode: 'front' };
    const { json } = await engine.ask('POST', '/containers/create?name=srv', { Image: 'nginx', HostConfig });
    await engine.ask('POST', `/containers/${json.Id}/start`);
    const inside = await engine.run('busybox', ['wget', '-qO-', 'http://srv/'], { HostConfig });
    expect(inside.output).toContain('Welcome to nginx!');
    const outside = await engine.run('busybox', ['wget', '-qO-', 'http://srv/']);
    expect(outside).toMatchObject({ code: 1, output: "wget: bad address 'srv'\n" });
    await engine.ask('DELETE', '/containers/srv?force=1');
  });

  it('may not publish a port that another one has', async () => {
    const HostConfig = { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } };
    const ask = { Image: 'busybox', Cmd: ['sleep', '60'], ExposedPorts: { '80/tcp': {} }, HostConfig };
    const first = (await engine.ask('POST', '/containers/create', ask)).json.Id;
    const second = (await engine.ask('POST', '/containers/create', ask)).json.Id;
    expect((await engine.ask('POST', `/containers/${first}/start`)).status).toBe(204);
    const refused = await engine.ask('POST', `/containers/${second}/start`);
    expect(refused.json.message).toContain('Bind for 0.0.0.0:8080 failed: port is already allocated');
    for (const id of [first, second]) await engine.ask('DELETE', `/containers/${id}?force=1`);
  });
});

describe('streams', () => {
  it('attached before the start bring input in and output out, framed', async () => {
    const ask = { Image: 'busybox', Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true };
    const { json } = await engine.ask('POST', '/containers/create', ask);
    const socket = await engine.upgrade(`/containers/${json.Id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
    await engine.ask('POST', `/containers/${json.Id}/start`);
    socket.end('to and fro\n');
    expect(unframed(await readAll(socket))).toEqual(['to and fro\n']);
    expect((await exitOf(json.Id)).ExitCode).toBe(0);
  });

  it('of a terminal echo what is typed, and end a running command at ^C', async () => {
    const { json } = await engine.ask('POST', '/containers/create', {
      Image: 'busybox',
      Cmd: ['sleep', '60'],
    });
    await engine.ask('POST', `/containers/${json.Id}/start`);
    const ask = { Cmd: ['sh'], Tty: true, AttachStdin: true, AttachStdout: true };
    const exec = (await engine.ask('POST', `/containers/${json.Id}/exec`, ask)).json.Id;
    const socket = await engine.upgrade(`/exec/${exec}/start`, { Tty: true });
    let seen = '';
    socket.on('data', (data: Buffer) => (seen += data.toString()));
    const type = async (text: string) => {
      socket.write(text);
      await new Promise((resolve) => setTimeout(resolve, 150));
    };
    await type('echo $((6*7))\r');
    await type('sleep 60\r');
    await type('\x03');
    await type('exit 4\r');
    expect(seen).toContain('/ # echo $((6*7))\r\n42\r\n/ # sleep 60\r\n^C\r\n/ # exit 4\r\n');
    expect((await engine.ask('GET', `/exec/${exec}/json`)).json).toMatchObject({
      ExitCode: 4,
      Running: false,
    });
    await engine.ask('DELETE', `/containers/${json.Id}?force=1`);
  });

  it('of events tell what happens, the filtered part of it', async () => {
    const filters = encodeURIComponent(JSON.stringify({ event: ['die'] }));
    const answer = await engine.open('GET', `/events?filters=${filters}`);
    await engine.run('busybox', ['sh', '-c', 'exit 9']);
    const [line] = await new Promise<Buffer[]>((resolve) =>
      answer.once('data', (data: Buffer) => resolve([data])),
    );
    expect(JSON.parse(line!.toString())).toMatchObject({
      Type: 'container',
      Action: 'die',
      Actor: { Attributes: { exitCode: '9' } },
    });
    answer.destroy();
  });

  it('a busy loop does not keep the engine from answering', async () => {
    const ids = [];
    for (let i = 0; i < 20; i++) {
      const { json } = await engine.ask('POST', '/containers/create', {
        Image: 'busybox',
        Cmd: ['sh', '-c', 'while :; do :; done'],
      });
      await engine.ask('POST', `/containers/${json.Id}/start`);
      ids.push(json.Id);
    }
    const from = Date.now();
    for (let i = 0; i < 10; i++) expect((await engine.ask('GET', '/_ping')).status).toBe(200);
    expect(Date.now() - from).toBeLessThan(2_000);
    for (const id of ids) await engine.ask('DELETE', `/containers/${id}?force=1`);
  });
});

describe('files and images', () => {
  it('come and go as archives', async () => {
    const { json } = await engine.ask('POST', '/containers/create?name=files', {
      Image: 'busybox',
      Cmd: ['cat', '/tmp/a'],
    });
    const put = await engine.ask(
      'PUT',
      '/containers/files/archive?path=/tmp',
      tarOf([['a', fileNode('brought\n')]]),
    );
    expect(put.status).toBe(200);
    const got = await engine.ask('GET', '/containers/files/archive?path=/tmp/a');
    expect(
      [...readTar(got.bytes)].map(({ path, node }) => [path, node.kind === 'file' && node.data.toString()]),
    ).toEqual([['a', 'brought\n']]);
    expect((await engine.ask('GET', '/containers/files/changes')).json).toEqual([
      { Path: '/tmp', Kind: 0 },
      { Path: '/tmp/a', Kind: 1 },
    ]);
    const missing = await engine.ask('PUT', '/containers/files/archive?path=/nowhere', tarOf([]));
    expect(missing.json.message).toBe('Could not find the file /nowhere in container files');
    await engine.ask('DELETE', `/containers/${json.Id}`);
  });

  it('an archive that climbs stays where it was put', async () => {
    await engine.ask('POST', '/containers/create?name=climb', { Image: 'busybox', Cmd: ['true'] });
    const tar = tarOf([['../../etc/passwd', fileNode('x')]]);
    await engine.ask('PUT', '/containers/climb/archive?path=/tmp', tar);
    const { json } = await engine.ask('GET', '/containers/climb/changes');
    expect(json.map(({ Path }: { Path: string }) => Path)).toEqual(['/tmp', '/tmp/etc', '/tmp/etc/passwd']);
    await engine.ask('DELETE', '/containers/climb');
  });

  it('are built from a Dockerfile, a second time from the cache', async () => {
    const dockerfile =
      'FROM busybox\nARG who=nobody\nENV GREETING="hello $who"\nWORKDIR /app\nCOPY . .\nRUN echo $GREETING > made && cat a.txt\nCMD cat made\n';
    const context = tarOf([
      ['Dockerfile', fileNode(dockerfile)],
      ['a.txt', fileNode('from the context\n')],
    ]);
    const args = encodeURIComponent(JSON.stringify({ who: 'world' }));
    const first = await engine.ask('POST', `/build?t=app:1&buildargs=${args}`, context);
    expect(first.text).toContain('{"stream":"from the context\\n"}');
    expect(first.text).toContain('Successfully tagged app:1');
    expect((await engine.run('app:1', [])).output).toBe('hello world\n');
    const second = await engine.ask('POST', `/build?t=app:2&buildargs=${args}`, context);
    expect(second.text.match(/Using cache/g)).toHaveLength(6);
    const failing = await engine.ask(
      'POST',
      '/build',
      tarOf([['Dockerfile', fileNode('FROM busybox\nRUN false\n')]]),
    );
    expect(failing.text).toContain(`"error":"The command '/bin/sh -c false' returned a non-zero code: 1"`);
    const wrong = await engine.ask(
      'POST',
      '/build',
      tarOf([['Dockerfile', fileNode('FROM busybox\nFETCH x\n')]]),
    );
    expect(wrong.json.message).toBe('dockerfile parse error line 2: unknown instruction: FETCH');
  });

  it('survive saving, removing and loading under the same id', async () => {
    const before = (await engine.ask('GET', '/images/app:1/json')).json.Id;
    const saved = (await engine.ask('GET', '/images/app:1/get')).bytes;
    await engine.ask('DELETE', '/images/app:2');
    expect((await engine.ask('DELETE', '/images/app:1?force=1')).json[0]).toEqual({ Untagged: 'app:1' });
    expect((await engine.ask('GET', '/images/app:1/json')).status).toBe(404);
    expect((await engine.ask('POST', '/images/load', saved)).text).toContain('Loaded image: app:1');
    expect((await engine.ask('GET', '/images/app:1/json')).json.Id).toBe(before);
  });

  it('of other makers keep their bytes and their ids', async () => {
    // Reversed order: not what the simulator itself would write.
    const layer = tarOf([
      ['z', fileNode('last')],
      ['a', fileNode('first', 0o600, 5_000)],
    ]);
    const diffId = `sha256:${sha256(layer)}`;
    const config = JSON.stringify({
      rootfs: { type: 'layers', diff_ids: [diffId] },
      os: 'linux',
      architecture: 'amd64',
      created: '2020-01-01T00:00:00Z',
      config: { Cmd: ['x'] },
    });
    const manifest = JSON.stringify([{ Config: 'c.json', RepoTags: ['foreign:1'], Layers: ['l.tar'] }]);
    const archive = tarOf([
      ['c.json', fileNode(config)],
      ['l.tar', fileNode(layer)],
      ['manifest.json', fileNode(manifest)],
    ]);
    expect((await engine.ask('POST', '/images/load', archive)).text).toContain('Loaded image: foreign:1');
    const { json } = await engine.ask('GET', '/images/foreign:1/json');
    expect(json).toMatchObject({ Id: `sha256:${sha256(config)}`, RootFS: { Layers: [diffId] } });
    const saved = (await engine.ask('GET', '/images/foreign:1/get')).bytes;
    const blob = [...readTar(saved)].find(({ path }) => path === `blobs/sha256/${diffId.slice(7)}`)!;
    expect(blob.node).toMatchObject({ kind: 'file', data: layer });
    const torn = tarOf([
      ['c.json', fileNode(config)],
      ['l.tar', fileNode(tarOf([]))],
      ['manifest.json', fileNode(manifest)],
    ]);
    await engine.ask('DELETE', '/images/foreign:1');
    expect((await engine.ask('POST', '/images/load', torn)).text).toContain('invalid diffID for layer');
  });

  it('travel through the modelled registry', async () => {
    await engine.ask('POST', '/images/busybox/tag?repo=registry.example/team/box&tag=1');
    const pushed = await engine.ask('POST', '/images/registry.example/team/box/push?tag=1');
    expect(pushed.text).toMatch(/1: digest: sha256:[0-9a-f]{64}/);
    await engine.ask('DELETE', '/images/registry.example/team/box:1');
    const pulled = await engine.ask('POST', '/images/create?fromImage=registry.example/team/box&tag=1');
    expect(pulled.text).toContain('Downloaded newer image for registry.example/team/box:1');
  });

  it('beyond what an engine may hold are refused', async () => {
    const { output, code } = await engine.run('busybox', [
      'sh',
      '-c',
      'dd if=/dev/zero of=/big bs=1M count=40 2>&1',
    ]);
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringContaining('No space left on device'),
    });
  });
});

describe('a hostile client', () => {
  it('gets a refusal for what is too large, too long or no archive, and the engine goes on', async () => {
    const doubling = Array.from({ length: 40 }, () => 'ENV A=$A$A').join('\n');
    const refused = async (path: string, body: Buffer, text: string) => {
      expect((await engine.ask('POST', path, body)).text).toContain(text);
    };
    await refused(
      '/build',
      tarOf([['Dockerfile', fileNode(`FROM busybox\nENV A=xxxx\n${doubling}\n`)]]),
      'too long for the simulator',
    );
    await refused(
      '/build',
      tarOf([['Dockerfile', fileNode('#'.repeat(70_000))]]),
      'too large for the simulator',
    );
    await refused('/build', Buffer.from('no archive at all'.repeat(100)), 'invalid tar header');
    await refused('/images/load', tarOf([['manifest.json', fileNode('{')]]), 'invalid JSON');
    await refused(
      '/images/load',
      tarOf([['manifest.json', fileNode('[{"Config":"../../x","Layers":null}]')]]),
      'no such file or directory',
    );
    await refused('/build', tarOf([[`${'a/'.repeat(3000)}f`, fileNode('x')]]), 'file name too long');
    await refused('/containers/create', Buffer.from('[]'), 'an object is needed');
    await refused('/containers/create', Buffer.from('{"Cmd":{"a":1}}'), 'cannot unmarshal');
    expect((await engine.ask('GET', '/_ping')).text).toBe('OK');
  });

  it('that forks without end gets no further than its share', async () => {
    const { code } = await engine.run('busybox', ['sh', '-c', 'f() { sleep 0.2 | f & f; }; f; exit 9']);
    expect(code).toBeGreaterThan(0);
    expect((await engine.ask('GET', '/_ping')).text).toBe('OK');
  });
});
