import type { ResizePlan } from '@bellows/operations/instance/plan-resize';
import { SizeView } from '../http/shared-views.js';
import { timeOf } from '../http/times.js';
import { Flag, Int, Many, Money, Num, One, Str, Strs, Time, Word } from '../http/view-fields.js';

export class PriceChangeView {
  @Money()
  before!: string;
  @Money()
  after!: string;
  @Money()
  deltaPerHour!: string;
  @Str({ example: 'EUR' })
  currency!: string;
}

export class QuotaUseView {
  @Int()
  instances!: number;
  @Int()
  vcpus!: number;
  @Int()
  ramMib!: number;
  @Int()
  diskGib!: number;
}

export class PromisedContainerView {
  @Str({ description: '64 hex digits.' })
  id!: string;
  @Str()
  name!: string;
  @Num({ nullable: true, description: 'Its --memory.' })
  ramMib!: number | null;
  @Num({ nullable: true, description: 'Its --cpus, or how many CPUs its --cpuset-cpus needs.' })
  cpus!: number | null;
  @Str({ description: 'A sentence: what does not fit.' })
  why!: string;
  @Flag({
    description:
      'True when it does not fit by itself: then the resize is refused (containers-promised) without allowContainers. False when only all containers together do not fit.',
  })
  blocks!: boolean;
}

export class ResizeLimitsView {
  @One(SizeView, { description: 'What fits where the instance is now.' })
  thisHost!: SizeView;
  @One(QuotaUseView, { description: 'What the quota leaves.' })
  quota!: QuotaUseView;
  @Many(PromisedContainerView, {
    nullable: true,
    description:
      'Running containers that were promised more than the new size has; null when their engine could not be asked.',
  })
  containers!: readonly PromisedContainerView[] | null;
}

export class ResizePlanView {
  @Str({ example: 'rsz-…' })
  id!: string;
  @Word(['live', 'live-migrate', 'restart', 'offline', 'impossible'])
  impact!: string;
  @Str({ required: false })
  reason?: string;
  @Strs()
  steps!: readonly string[];
  @One(SizeView)
  from!: SizeView;
  @One(SizeView)
  to!: SizeView;
  @Str()
  toPlan!: string;
  @One(PriceChangeView)
  price!: PriceChangeView;
  @One(QuotaUseView)
  quotaAfter!: QuotaUseView;
  @One(ResizeLimitsView)
  limits!: ResizeLimitsView;
  @Strs()
  warnings!: readonly string[];
  @Time()
  expiresAt!: string;
}

export const resizePlanView = (plan: ResizePlan): ResizePlanView => ({
  ...plan,
  expiresAt: timeOf(plan.expiresAt),
});

export class DryRunView {
  @Flag()
  fits!: true;
  @Str()
  zone!: string;
  @Str({ required: false, description: 'For admins only.' })
  hostId?: string;
  @Int()
  count!: number;
  @Money()
  pricePerHour!: string;
}
