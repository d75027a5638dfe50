import type { Plan } from '@bellows/domain/plan';
import type { Image } from '@bellows/operations/ports/rows';
import { BoundView } from '../http/shared-views.js';
import { Id, Int, Money, One, Str, Word } from '../http/view-fields.js';

export class PlanView {
  @Str({ example: 'ecs-2c2g' })
  id!: string;
  @Word(['vps', 'ecs', 'burst'])
  family!: string;
  @Int()
  vcpus!: number;
  @Int()
  ramMib!: number;
  @Int()
  diskGib!: number;
  @Int()
  bandwidthMbps!: number;
  @One(BoundView, { description: 'The smallest size a live resize may reach.' })
  floor!: BoundView;
  @One(BoundView, { description: 'The largest.' })
  ceiling!: BoundView;
  @Money()
  pricePerHour!: string;
}

export const planView = (plan: Plan): PlanView => ({
  id: plan.id,
  family: plan.family,
  vcpus: plan.vcpus,
  ramMib: plan.ramMib,
  diskGib: plan.diskGib,
  bandwidthMbps: plan.bandwidthMbps,
  floor: plan.floor,
  ceiling: plan.ceiling,
  pricePerHour: plan.pricePerHour,
});

export class ImageView {
  @Id('img')
  id!: string;
  @Str({ example: 'debian-12' })
  name!: string;
  @Str({ example: 'debian' })
  os!: string;
  @Int()
  minDiskGib!: number;
  @Int()
  minRamMib!: number;
}

export const imageView = ({ id, name, os, minDiskGib, minRamMib }: Image): ImageView => ({
  id,
  name,
  os,
  minDiskGib,
  minRamMib,
});

export class ZoneView {
  @Str()
  id!: string;
  @Str()
  name!: string;
}
