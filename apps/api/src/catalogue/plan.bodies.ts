import { IntegerField, NestedField, TextField, WordField } from '../http/fields.js';

const vcpus = { min: 1, max: 1024 };
const ramMib = { min: 128, max: 16_777_216 };
const diskGib = { min: 1, max: 1_048_576 };
const bandwidthMbps = { min: 1, max: 1_000_000 };
const price = {
  max: 19,
  pattern: /^\d{1,12}(\.\d{1,6})?$/,
  form: 'a decimal such as 0.0105, with at most six places',
  example: '0.0105',
};

export class BoundBody {
  @IntegerField(vcpus)
  vcpus!: number;
  @IntegerField(ramMib)
  ramMib!: number;
}

export class PlanBody {
  @TextField({
    max: 64,
    pattern: /^[a-z0-9][a-z0-9._-]*$/,
    form: 'a name such as ecs-2c2g',
    example: 'ecs-2c2g',
  })
  id!: string;
  @WordField(['vps', 'ecs', 'burst'])
  family!: 'vps' | 'ecs' | 'burst';
  @IntegerField(vcpus)
  vcpus!: number;
  @IntegerField(ramMib)
  ramMib!: number;
  @IntegerField(diskGib)
  diskGib!: number;
  @IntegerField(bandwidthMbps)
  bandwidthMbps!: number;
  @NestedField(BoundBody, { optional: true, description: 'Default: the size itself.' })
  floor?: BoundBody;
  @NestedField(BoundBody, { optional: true })
  ceiling?: BoundBody;
  @TextField(price)
  pricePerHour!: string;
}

export class ChangePlanBody {
  @IntegerField({ ...vcpus, optional: true })
  vcpus?: number;
  @IntegerField({ ...ramMib, optional: true })
  ramMib?: number;
  @IntegerField({ ...diskGib, optional: true })
  diskGib?: number;
  @IntegerField({ ...bandwidthMbps, optional: true })
  bandwidthMbps?: number;
  @NestedField(BoundBody, { optional: true })
  floor?: BoundBody;
  @NestedField(BoundBody, { optional: true })
  ceiling?: BoundBody;
  @TextField({ ...price, optional: true })
  pricePerHour?: string;
}
