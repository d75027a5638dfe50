import { IntegerField, NumberField, TextField, WordField } from '../http/fields.js';
import { PageQuery } from '../http/pages.js';

const word = {
  max: 64,
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  form: 'a name of letters, digits, dots and dashes',
};

export class EnrolHostBody {
  @TextField({ ...word, example: 'rack1-07' })
  name!: string;
  @WordField(['sim', 'libvirt'])
  driver!: 'sim' | 'libvirt';
  @TextField({
    max: 512,
    optional: true,
    pattern: /^(qemu|test)(\+(unix|tcp|tls))?:\/\/[\x21-\x7e]*$/,
    form: 'a libvirt URI such as qemu:///system or qemu+tls://server/system',
  })
  uri?: string;
  @TextField({ ...word, optional: true })
  zone?: string;
  @IntegerField({ min: 1, max: 4096, optional: true, description: 'Of a modelled server; so the next two.' })
  vcpus?: number;
  @IntegerField({ min: 512, max: 67_108_864, optional: true })
  ramMib?: number;
  @IntegerField({ min: 1, max: 4_194_304, optional: true })
  diskGib?: number;
  @NumberField({ min: 0.1, max: 64, optional: true })
  cpuOvercommit?: number;
  @NumberField({ min: 0.1, max: 4, optional: true })
  ramOvercommit?: number;
}

export class HostQuery extends PageQuery {
  @TextField({ max: 64, optional: true })
  zone?: string;
  @TextField({ max: 64, optional: true })
  state?: string;
}

export class IpPoolBody {
  @TextField({ max: 18, example: '203.0.113.0/24' })
  cidr!: string;
  @TextField({ max: 15, example: '203.0.113.1' })
  gateway!: string;
  @WordField(['public', 'private'])
  kind!: 'public' | 'private';
  @WordField(['routed', 'bridged'])
  mode!: 'routed' | 'bridged';
  @TextField({ ...word, optional: true })
  zone?: string;
}
