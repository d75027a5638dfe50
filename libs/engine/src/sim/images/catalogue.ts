import { Layer } from '../files/layer.js';
import { parentOf, type FileNode } from '../files/node.js';
import { basePrograms } from '../programs/programs.js';
import { modelBinary } from '../shell/find-program.js';
import { emptyConfig, makeImage, type ContainerConfig, type Image } from './image.js';
import type { Reference } from './reference.js';

/** When all modelled images were made: their ids are the same everywhere. */
const made = Date.UTC(2026, 0, 1);
const mebibyte = 1024 * 1024;
const plain = { uid: 0, gid: 0, mtime: made };

interface Recipe {
  readonly tags: readonly string[];
  readonly from?: string;
  readonly files: Readonly<Record<string, string | FileNode>>;
  readonly config?: Partial<ContainerConfig>;
  readonly by: string;
  readonly modelledMib: number;
}

const program = (name: string): FileNode => ({
  kind: 'file',
  data: modelBinary(name),
  mode: 0o755,
  ...plain,
});
const link = (target: string): FileNode => ({ kind: 'link', target, mode: 0o777, ...plain });
const dir = (mode = 0o755): FileNode => ({ kind: 'dir', mode, ...plain });

const programsIn = (folder: string, names: readonly string[]): Record<string, FileNode> =>
  Object.fromEntries(names.map((name) => [`${folder}/${name}`, program(name === 'ash' ? 'sh' : name)]));

const users =
  'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n';
const groups = 'root:x:0:\ndaemon:x:1:\nwww-data:x:33:\nnogroup:x:65534:\n';

const skeleton: Record<string, string | FileNode> = {
  '/etc/passwd': users,
  '/etc/group': groups,
  '/root': dir(0o700),
  '/home': dir(),
  '/tmp': dir(0o1777),
  '/var/tmp': dir(0o1777),
  '/var/log': dir(),
  '/usr/local/bin': dir(),
  '/dev': dir(),
  '/proc': dir(),
  '/sys': dir(),
};

const release = (id: string, name: string, version: string): string =>
  `PRETTY_NAME="${name} (modelled by the Bellows simulator)"\nNAME="${name}"\nID=${id}\nVERSION_ID="${version}"\n`;

const debianLike = (id: string, name: string, version: string): Record<string, string | FileNode> => ({
  ...skeleton,
  ...programsIn('/usr/bin', [...basePrograms, 'apt-get', 'apt']),
  '/usr/bin/bash': program('sh'),
  '/bin': link('usr/bin'),
  '/sbin': link('usr/sbin'),
  '/usr/sbin': dir(),
  '/etc/os-release': release(id, name, version),
  '/etc/debian_version': `${version}\n`,
});

const python = (version: string): Record<string, string | FileNode> => ({
  [`/usr/local/bin/python${version}`]: program(`python${version}`),
  '/usr/local/bin/python3': link(`python${version}`),
  '/usr/local/bin/python': link(`python${version}`),
  '/usr/local/bin/pip': program('pip'),
  '/usr/local/bin/pip3': program('pip'),
});

const page =
  '<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n</head>\n<body>\n<h1>Welcome to nginx!</h1>\n<p>Modelled by the Bellows simulator.</p>\n</body>\n</html>\n';
const nginxFiles = {
  '/usr/sbin/nginx': program('nginx'),
  '/etc/nginx/nginx.conf': 'events {}\nhttp { server { listen 80; root /usr/share/nginx/html; } }\n',
  '/usr/share/nginx/html/index.html': page,
  '/docker-entrypoint.sh': {
    kind: 'file',
    data: Buffer.from('#!/bin/sh\nexec "$@"\n'),
    mode: 0o755,
    ...plain,
  } as FileNode,
};
const nginxConfig = {
  Cmd: ['nginx', '-g', 'daemon off;'],
  Entrypoint: ['/docker-entrypoint.sh'],
  ExposedPorts: { '80/tcp': {} },
  StopSignal: 'SIGQUIT',
};

const recipes: readonly Recipe[] = [
  {
    tags: ['busybox:latest', 'busybox:1.36', 'busybox:1.35', 'busybox:stable'],
    files: { ...skeleton, ...programsIn('/bin', basePrograms) },
    config: { Cmd: ['sh'] },
    by: 'BusyBox 1.36 (modelled)',
    modelledMib: 4,
  },
  {
    tags: ['alpine:latest', 'alpine:3.20', 'alpine:3.19', 'alpine:3'],
    files: {
      ...skeleton,
      ...programsIn('/bin', [...basePrograms, 'apk']),
      '/etc/os-release': release('alpine', 'Alpine Linux', '3.20'),
      '/etc/alpine-release': '3.20.0\n',
    },
    config: { Cmd: ['/bin/sh'] },
    by: 'ADD alpine (modelled)',
    modelledMib: 7,
  },
  {
    tags: ['debian:12', 'debian:latest', 'debian:bookworm', 'debian:bookworm-slim', 'debian:stable'],
    files: debianLike('debian', 'Debian GNU/Linux', '12'),
    config: { Cmd: ['bash'] },
    by: 'debootstrap bookworm (modelled)',
    modelledMib: 117,
  },
  {
    tags: ['ubuntu:latest', 'ubuntu:24.04', 'ubuntu:22.04'],
    files: debianLike('ubuntu', 'Ubuntu', '24.04'),
    config: { Cmd: ['/bin/bash'] },
    by: 'ADD ubuntu (modelled)',
    modelledMib: 78,
  },
  {
    tags: ['python:3.9', 'python:3.9-slim'],
    from: 'debian:12',
    files: python('3.9'),
    config: { Cmd: ['python3'] },
    by: 'python 3.9 (modelled)',
    modelledMib: 60,
  },
  {
    tags: ['python:3.11', 'python:3.11-slim', 'python:3', 'python:latest'],
    from: 'debian:12',
    files: python('3.11'),
    config: { Cmd: ['python3'] },
    by: 'python 3.11 (modelled)',
    modelledMib: 60,
  },
  {
    tags: ['node:20', 'node:20-slim', 'node:latest'],
    from: 'debian:12',
    files: { '/usr/local/bin/node': program('node'), '/usr/local/bin/npm': program('npm') },
    config: { Cmd: ['node'] },
    by: 'node 20 (modelled)',
    modelledMib: 90,
  },
  {
    tags: ['nginx:latest', 'nginx:1.27', 'nginx:stable'],
    from: 'debian:12',
    files: { ...nginxFiles, '/usr/bin/curl': program('curl') },
    config: nginxConfig,
    by: 'nginx (modelled)',
    modelledMib: 70,
  },
  {
    tags: ['nginx:alpine', 'nginx:1.27-alpine'],
    from: 'alpine:latest',
    files: { ...nginxFiles, '/usr/bin/curl': program('curl') },
    config: nginxConfig,
    by: 'nginx (modelled)',
    modelledMib: 12,
  },
  {
    tags: ['hello-world:latest', 'hello-world:linux'],
    files: { '/hello': program('hello') },
    config: { Cmd: ['/hello'] },
    by: 'COPY hello / (modelled)',
    modelledMib: 0,
  },
];

function layerOf(files: Recipe['files']): Layer {
  const layer = new Layer();
  for (const [path, content] of Object.entries(files)) {
    const node: FileNode =
      typeof content === 'string'
        ? { kind: 'file', data: Buffer.from(content), mode: 0o644, ...plain }
        : content;
    for (let up = parentOf(path); up !== '/' && !files[up] && !layer.nodes.has(up); up = parentOf(up))
      layer.set(up, dir());
    layer.set(path, node);
  }
  return layer;
}

function build(recipe: Recipe, from: Image | undefined): Image {
  const created = new Date(made).toISOString();
  return makeImage({
    config: { ...(from?.json.config ?? emptyConfig), ...recipe.config },
    layers: [...(from?.layers ?? []), layerOf(recipe.files)],
    history: [...(from?.json.history ?? []), { created, created_by: `/bin/sh -c #(nop) ${recipe.by}` }],
    created: made,
    modelledBytes: recipe.modelledMib * mebibyte + (from?.modelledBytes ?? 0),
  });
}

let built: Map<string, Image> | null = null;

/** Every modelled image, by `name:tag`; made once, shared, never changed. */
export function catalogue(): ReadonlyMap<string, Image> {
  if (built) return built;
  built = new Map();
  for (const recipe of recipes) {
    const image = build(recipe, recipe.from === undefined ? undefined : built.get(recipe.from));
    for (const tag of recipe.tags) built.set(tag, image);
  }
  return built;
}

/** Any registry is taken to mirror the official images, as `NAME` or `library/NAME`. */
export function officialName({ path }: Reference): string | null {
  const name = path.replace(/^library\//, '');
  return name.includes('/') ? null : name;
}
