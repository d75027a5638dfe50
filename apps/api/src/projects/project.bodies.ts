import { IntegerField, TextField, TimeField, WordField } from '../http/fields.js';
import { ProjectPageQuery } from '../http/pages.js';

const title = { max: 128, pattern: /^[^\x00-\x1f\x7f]+$/, form: 'one line of text' };

export class ProjectBody {
  @TextField({ ...title, example: 'shop' })
  name!: string;
}

export class TokenBody {
  @TextField({ max: 64, optional: true, description: "Default: the asking token's project." })
  projectId?: string;
  @WordField(['owner', 'member', 'viewer'])
  role!: 'owner' | 'member' | 'viewer';
  @TextField({ ...title, example: 'ci' })
  name!: string;
  @TimeField({ optional: true })
  expiresAt?: string;
}

const most = 1_000_000_000;

export class QuotaBody {
  @IntegerField({ min: 0, max: most, optional: true })
  instances?: number;
  @IntegerField({ min: 0, max: most, optional: true })
  vcpus?: number;
  @IntegerField({ min: 0, max: most, optional: true })
  ramMib?: number;
  @IntegerField({ min: 0, max: most, optional: true })
  diskGib?: number;
  @IntegerField({ min: 0, max: most, optional: true, description: 'Of images in the registry.' })
  registryMib?: number;
}

export class UsageQuery extends ProjectPageQuery {
  @TextField({ max: 64, optional: true })
  instance?: string;
  @TimeField({ optional: true })
  from?: string;
  @TimeField({ optional: true })
  until?: string;
}
