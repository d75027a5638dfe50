/** One line of a user with the stock docker CLI, and what has to come of it, on a real engine and on a simulated one. */
export interface DockerCommand {
  /** As it stands in the table of docs/docker-commands.md. */
  readonly name: string;
  /** For `sh -c`, in a folder with a file `greeting` and two Dockerfiles. */
  readonly line: string;
  /** Exit code; 0 where not given. */
  readonly code?: number;
  /** What stdout and stderr together must match. */
  readonly says: RegExp;
}

/** A terminal of its own, as `-it` wants one. */
const onTerminal = (line: string) => `script -qec '${line}' /dev/null < /dev/null`;
const counter = 'i=0; while true; do i=$((i+1)); echo count $i; sleep 1; done';

/** In order: later lines use what earlier ones made. An image `busybox` is there. */
export const dockerCommands = (modelled: boolean): readonly DockerCommand[] => [
  { name: 'version', line: 'docker version --format "{{.Server.APIVersion}}"', says: /^1\.45$/m },
  { name: 'info', line: 'docker info', says: modelled ? /simulat/i : /Default Runtime: crun/ },
  { name: 'images', line: 'docker images', says: /busybox +latest/ },
  { name: 'build', line: 'docker build -q -t greeter -f Dockerfile.greeter .', says: /sha256:[0-9a-f]{64}/ },
  { name: 'build (cached)', line: 'docker build -t greeter -f Dockerfile.greeter .', says: /Using cache/ },
  { name: 'run --rm', line: 'docker run --rm greeter', says: /hello from a file/ },
  {
    name: 'run --rm with exit code',
    line: 'docker run --rm busybox sh -c "echo hi; exit 7"',
    code: 7,
    says: /^hi\r?$/m,
  },
  { name: 'run -it', line: onTerminal('docker run -it --rm busybox echo typed'), says: /typed/ },
  { name: 'run -d', line: `docker run -d --name one busybox sh -c '${counter}'`, says: /^[0-9a-f]{64}$/m },
  {
    name: 'run --memory --cpus',
    line: 'docker run -d --name two --memory 64m --cpus 0.5 busybox sleep 1000',
    says: /^[0-9a-f]{64}$/m,
  },
  { name: 'ps', line: 'docker ps --format "{{.Names}} {{.Status}}"', says: /^one Up/m },
  {
    name: 'inspect',
    line: 'docker inspect -f "{{.State.Running}} {{.HostConfig.Memory}}" two',
    says: /^true 67108864$/m,
  },
  { name: 'exec', line: 'docker exec one hostname', says: /^[0-9a-f]{12}$/m },
  {
    name: 'exec -it',
    line: `${onTerminal('docker exec -it one sh -c "echo inside; exit 3"')}`,
    code: 3,
    says: /inside/,
  },
  {
    name: 'exec, a program that is not there',
    line: 'docker exec one no-such-program',
    // runc would say 127, as the simulator does; crun 1.8 has 126.
    code: modelled ? 127 : 126,
    says: /not (found|modelled)/,
  },
  { name: 'logs', line: 'sleep 2; docker logs one', says: /^count 1$/m },
  { name: 'logs -f', line: 'timeout 4 docker logs -f --tail 1 one', code: 124, says: /count \d+\ncount \d+/ },
  {
    name: 'attach',
    line: 'timeout -s KILL 3 docker attach --no-stdin one',
    code: 137,
    says: /count \d+/,
  },
  { name: 'top', line: 'docker top one', says: /PID/ },
  {
    name: 'stats',
    line: 'docker stats --no-stream --format "{{.Name}} {{.MemUsage}}" two',
    says: /^two .*\/ 64MiB$/m,
  },
  { name: 'cp (in)', line: 'docker cp greeting one:/', says: /^(Successfully copied .*)?$/m },
  { name: 'cp (out)', line: 'docker cp one:/greeting copied && cat copied', says: /hello from a file/ },
  { name: 'diff', line: 'docker diff one', says: /^A \/greeting$/m },
  { name: 'commit', line: 'docker commit one committed', says: /sha256:[0-9a-f]{64}/ },
  {
    name: 'pause, unpause',
    line: 'docker pause one && docker ps -f name=one && docker unpause one',
    says: /\(Paused\)/,
  },
  {
    name: 'update',
    line: 'docker update --memory 96m --memory-swap 192m two && docker inspect -f "{{.HostConfig.Memory}}" two',
    says: /^100663296$/m,
  },
  { name: 'rename', line: 'docker rename two second', says: /^$/ },
  { name: 'restart', line: 'docker restart -t 1 one', says: /^one$/m },
  {
    name: 'stop',
    line: 'docker stop -t 1 one && docker inspect -f "{{.State.Status}} {{.State.ExitCode}}" one',
    says: /^exited 137$/m,
  },
  { name: 'start', line: 'docker start one', says: /^one$/m },
  { name: 'kill', line: 'docker kill one && docker wait one', says: /^137$/m },
  {
    name: 'events',
    line: 'docker events --since 10m --until "$(date +%s)" --filter event=kill',
    says: /container kill .*name=one/,
  },
  {
    name: 'tag',
    line: 'docker tag greeter greeter:second && docker images greeter',
    says: /greeter +second/,
  },
  { name: 'history', line: 'docker history greeter', says: /CREATED BY/ },
  {
    name: 'save, load',
    line: 'docker save greeter:second -o saved.tar && docker rmi greeter:second && docker load -i saved.tar',
    says: /Loaded image: greeter:second/,
  },
  {
    name: 'network create, ls, rm',
    line: 'docker network create net-1 && docker network ls && docker network rm net-1',
    says: /net-1 +bridge/,
  },
  {
    name: 'volume create, ls, rm',
    line: 'docker volume create vol-1 && docker volume ls && docker volume rm vol-1',
    says: /local +vol-1/,
  },
  {
    name: 'run with a volume',
    line: 'docker volume create kept && docker run --rm -v kept:/data busybox sh -c "echo stays > /data/file" && docker run --rm -v kept:/data busybox cat /data/file',
    says: /^stays$/m,
  },
  { name: 'system df', line: 'docker system df', says: /Local Volumes/ },
  {
    name: 'out of memory',
    line: 'docker run --name hog --memory 16m --memory-swap 16m busybox tail /dev/zero; docker inspect -f "{{.State.OOMKilled}} {{.State.ExitCode}}" hog',
    says: /^true 137$/m,
  },
  { name: 'rm', line: 'docker rm -f one second hog', says: /^one\nsecond\nhog$/m },
  { name: 'rmi', line: 'docker rmi greeter:second committed', says: /Untagged: greeter:second/ },
  {
    name: 'an image that is not there',
    line: 'docker run --rm --pull never no-such-image',
    code: 125,
    says: /No such image/,
  },
  { name: 'prune', line: 'docker system prune -f', says: /Total reclaimed space/ },
];
