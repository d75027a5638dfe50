import { globMatches } from '../shell/glob.js';
import { zeroTime, rfc3339Nano } from '../world.js';
import type { Filters } from '../http/filters.js';
import type { ImageStore } from './image-store.js';
import { sizeOf, type Image } from './image.js';

const seconds = (image: Image): number => Math.floor(Date.parse(image.json.created) / 1000);

/** `GET /images/{name}/json` */
export function imageInspect(store: ImageStore, image: Image): object {
  const { json } = image;
  const size = sizeOf(image);
  return {
    Id: image.id,
    RepoTags: store.namesOf(image.id),
    RepoDigests: store.digestsOf(image.id),
    Parent: image.parent,
    Comment: image.comment,
    Created: json.created,
    DockerVersion: '',
    Author: json.author ?? '',
    Config: apiConfig(json.config),
    Architecture: json.architecture,
    Os: json.os,
    Size: size,
    GraphDriver: graphDriver(image.id.slice(7)),
    RootFS: { Type: 'layers', Layers: json.rootfs.diff_ids },
    Metadata: { LastTagTime: image.taggedAt === null ? zeroTime : rfc3339Nano(image.taggedAt) },
  };
}

/** The configuration with the fields dockerd fills in. */
function apiConfig(config: Image['json']['config']): object {
  return {
    Hostname: '',
    Domainname: '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Image: '',
    ...config,
  };
}

export const graphDriver = (id: string): object => ({
  Data: {
    LowerDir: '',
    MergedDir: `/var/lib/docker/overlay2/${id}/merged`,
    UpperDir: `/var/lib/docker/overlay2/${id}/diff`,
    WorkDir: `/var/lib/docker/overlay2/${id}/work`,
  },
  Name: 'overlay2',
});

/** `GET /images/{name}/history`: the newest first. */
export function imageHistory(store: ImageStore, image: Image): object[] {
  let layer = image.layers.length - 1;
  const lines = [...image.json.history].reverse().map((line, i) => {
    const size = line.empty_layer ? 0 : (image.layers[layer--]?.bytes ?? 0);
    const first = i === 0;
    return {
      Id: first ? image.id : '<missing>',
      Created: Math.floor(Date.parse(line.created) / 1000),
      CreatedBy: line.created_by,
      Tags: first ? nullIfNone(store.namesOf(image.id)) : null,
      Size: size,
      Comment: line.comment ?? '',
    };
  });
  // The part that stands for what the model leaves out belongs to the lowest layer.
  const last = lines.findLast((line) => line.Size > 0);
  if (last) last.Size += image.modelledBytes;
  for (const line of lines.slice(1)) {
    const parent = store.images.get(image.parent);
    if (parent && line === lines[1]) line.Id = parent.id;
  }
  return lines;
}

const nullIfNone = (names: string[]): string[] | null => (names.length > 0 ? names : null);

/** `GET /images/json` */
export function imageList(
  store: ImageStore,
  all: boolean,
  filters: Filters,
  users: (id: string) => number,
): object[] {
  const bound = (key: string) => filters.values(key).map((name) => seconds(store.find(name)))[0];
  const [before, since] = [bound('before'), bound('since')];
  const dangling = filters.flag('dangling');
  return [...store.images.values()]
    .filter((image) => {
      const names = store.namesOf(image.id);
      const hidden = names.length === 0 && store.childrenOf(image.id).length > 0;
      if (hidden && !all) return false;
      if (dangling !== null && dangling !== (names.length === 0)) return false;
      if (before !== undefined && seconds(image) >= before) return false;
      if (since !== undefined && seconds(image) <= since) return false;
      if (!filters.matchesLabels(image.json.config.Labels ?? {})) return false;
      const patterns = filters.values('reference');
      return (
        patterns.length === 0 || names.some((name) => patterns.some((pattern) => nameMatches(pattern, name)))
      );
    })
    .sort((a, b) => seconds(b) - seconds(a))
    .map((image) => ({
      Containers: users(image.id),
      Created: seconds(image),
      Id: image.id,
      Labels: image.json.config.Labels,
      ParentId: image.parent,
      RepoDigests: store.digestsOf(image.id),
      RepoTags: store.namesOf(image.id),
      SharedSize: -1,
      Size: sizeOf(image),
    }));
}

const nameMatches = (pattern: string, name: string): boolean =>
  globMatches(pattern, name) || globMatches(pattern, name.slice(0, name.lastIndexOf(':')));

/** `GET /distribution/{name}/json` */
export function distribution({ digest, size }: { digest: string; size: number }): object {
  return {
    Descriptor: { mediaType: 'application/vnd.docker.distribution.manifest.v2+json', digest, size },
    Platforms: [{ architecture: 'amd64', os: 'linux' }],
  };
}
