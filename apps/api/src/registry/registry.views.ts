import type { Collection, Repository } from '@bellows/operations/ports/images';
import type { RegistryUse } from '@bellows/operations/registry/look';
import { timeOf, timeOrNull } from '../http/times.js';
import { Id, Int, Many, One, Str, Strs, Time } from '../http/view-fields.js';

export class RegistryTokenView {
  @Str({ description: 'For the registry alone, and short-lived.' })
  token!: string;
  @Str({ description: 'The same.' })
  access_token!: string;
  @Int({ description: 'Seconds.' })
  expires_in!: number;
  @Time()
  issued_at!: string;
}

export class CollectionView {
  @Time()
  startedAt!: string;
  @Time({ nullable: true, description: 'Null while it waits for pushes, or is at work.' })
  finishedAt!: string | null;
  @Str({ nullable: true })
  error!: string | null;
}

export const collectionView = ({ startedAt, finishedAt, error }: Collection): CollectionView => ({
  startedAt: timeOf(startedAt),
  finishedAt: timeOrNull(finishedAt),
  error,
});

export class RegistryView {
  @Strs({ description: 'HOST:PORT by which clients reach it.' })
  addresses!: readonly string[];
  @Id('prj')
  projectId!: string;
  @Int({ description: 'What the project keeps, each blob once; blobs on their way in too.' })
  usedBytes!: number;
  @Int()
  limitBytes!: number;
  @One(CollectionView, { nullable: true, description: 'The last one since the registry was started.' })
  lastCollection!: CollectionView | null;
}

export const registryView = (
  addresses: readonly string[],
  use: RegistryUse,
  last: Collection | null,
): RegistryView => ({ addresses, ...use, lastCollection: last && collectionView(last) });

export class RepositoryTagView {
  @Str({ example: '1.0' })
  name!: string;
  @Str({ example: 'sha256:…' })
  digest!: string;
  @Int({ description: 'Of the manifest and all it names, once each.' })
  bytes!: number;
  @Time()
  pushedAt!: string;
}

export class RepositoryView {
  @Str({ example: 'prj-0123456789abcdefghjk/app', description: 'Also its id.' })
  name!: string;
  @Many(RepositoryTagView)
  tags!: RepositoryTagView[];
  @Int({ description: 'Of every blob in it, tagged or not, once each.' })
  bytes!: number;
}

export const repositoryView = ({ name, tags, bytes }: Repository): RepositoryView => ({
  name,
  tags: tags.map((tag) => ({ ...tag, pushedAt: timeOf(tag.pushedAt) })),
  bytes,
});
