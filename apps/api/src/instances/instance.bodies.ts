import { FlagField, IntegerField, TagsField, TextField, TextsField, WordsField } from '../http/fields.js';
import { ProjectPageQuery } from '../http/pages.js';

const name = {
  max: 63,
  pattern: /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
  form: 'a host name of lower-case letters, digits and dashes',
  example: 'web-1',
};
const word = {
  max: 64,
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  form: 'a name of letters, digits, dots and dashes',
};
/** OpenSSH's one-line form. Nothing in it can end a line or a quotation in what cloud-init reads. */
const sshKey =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]{32,}={0,2}( [\x20\x21\x23-\x5b\x5d-\x7e]{0,200})?$/;

export class CreateInstanceBody {
  @TextField(name)
  name!: string;
  @TextField({ ...word, example: 'ecs-1c1g' })
  plan!: string;
  @TextField({ ...word, example: 'debian-12' })
  image!: string;
  @TextField({ ...word, optional: true })
  zone?: string;
  @TextField({ max: 64, optional: true, description: 'For admins; otherwise the token says it.' })
  projectId?: string;
  @TextsField({ maxItems: 32, max: 8192, pattern: sshKey, form: 'an OpenSSH public key', optional: true })
  sshKeys?: string[];
  @TextField({ max: 65_536, optional: true, description: 'Handed to the guest at first boot.' })
  userData?: string;
  @TagsField({ optional: true })
  tags?: Record<string, string>;
  @IntegerField({ min: 1, max: 100, optional: true, description: 'All of them are made, or none.' })
  count?: number;
  @TextField({ ...word, optional: true, description: 'Members of one group are put on different hosts.' })
  antiAffinityGroup?: string;
  @FlagField({ optional: true, description: 'Says whether and where it would fit; changes nothing.' })
  dryRun?: boolean;
}

export class UpdateInstanceBody {
  @TextField({ ...name, optional: true })
  name?: string;
  @TagsField({ optional: true, description: 'Replaces all tags.' })
  tags?: Record<string, string>;
}

/** A plan of the same family, or figures of its own within floor and ceiling. */
export class ResizePlanBody {
  @TextField({ ...word, optional: true, example: 'ecs-2c2g' })
  plan?: string;
  @IntegerField({ min: 1, max: 1024, optional: true })
  vcpus?: number;
  @IntegerField({ min: 128, max: 16_777_216, optional: true })
  ramMib?: number;
  @IntegerField({ min: 1, max: 1_048_576, optional: true, description: 'A disk grows; it never shrinks.' })
  diskGib?: number;
}

export class ResizeBody extends ResizePlanBody {
  @TextField({ max: 2048, optional: true, description: 'Instead of a size: a resize plan as it was shown.' })
  resizePlanId?: string;
  @WordsField(['live', 'live-migrate', 'restart'], { optional: true, description: 'Default: the first two.' })
  allow?: ('live' | 'live-migrate' | 'restart')[];
  @FlagField({
    optional: true,
    description:
      'Also where a running container was promised more (--memory, --cpus, --cpuset-cpus) than the new size has; otherwise such a resize is refused with containers-promised.',
  })
  allowContainers?: boolean;
}

export class InstanceQuery extends ProjectPageQuery {
  @TextField({ max: 64, optional: true })
  state?: string;
  @TextField({ max: 63, optional: true })
  name?: string;
  @TextField({ max: 64, optional: true })
  plan?: string;
  @TextField({ max: 64, optional: true, description: 'For admins.' })
  host?: string;
  @TextField({ max: 320, optional: true, pattern: /^[^=]+=/, form: 'key=value' })
  tag?: string;
}
