import type { ResizePlan } from '@bellows/operations/instance/plan-resize';
import { SizeView } from '../http/shared-views.js';
import { timeOf } from '../http/times.js';
import { Flag, Int, Money, One, Str, Strs, Time, Word } from '../http/view-fields.js';

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

export class ResizeLimitsView {
  @One(SizeView, { description: 'What fits where the instance is now.' })
  thisHost!: SizeView;
  @One(QuotaUseView, { description: 'What the quota leaves.' })
  quota!: QuotaUseView;
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
