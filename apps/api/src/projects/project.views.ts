import type { AuditEntry } from '@bellows/operations/ports/store';
import type { Project, Quota, Token, UsageInterval } from '@bellows/operations/ports/rows';
import { SizeView } from '../http/shared-views.js';
import { timeOf, timeOrNull } from '../http/times.js';
import { Id, Int, One, Str, Time, Word } from '../http/view-fields.js';
import { QuotaUseView } from '../instances/resize-plan.view.js';

export class ProjectView {
  @Id('prj')
  id!: string;
  @Str()
  name!: string;
  @Time()
  createdAt!: string;
}

export const projectView = ({ id, name, createdAt }: Project): ProjectView => ({
  id,
  name,
  createdAt: timeOf(createdAt),
});

export class TokenView {
  @Id('tok')
  id!: string;
  @Id('prj', { nullable: true, description: 'Null for an admin of the cloud.' })
  projectId!: string | null;
  @Word(['owner', 'member', 'viewer', 'admin'])
  role!: string;
  @Str()
  name!: string;
  @Time()
  createdAt!: string;
  @Time({ nullable: true })
  expiresAt!: string | null;
  @Time({ nullable: true })
  revokedAt!: string | null;
}

export class IssuedTokenView extends TokenView {
  @Str({ example: 'bws_…', description: 'Shown this once.' })
  token!: string;
}

export const tokenView = (token: Token): TokenView => ({
  id: token.id,
  projectId: token.projectId,
  role: token.role,
  name: token.name,
  createdAt: timeOf(token.createdAt),
  expiresAt: timeOrNull(token.expiresAt),
  revokedAt: timeOrNull(token.revokedAt),
});

export class QuotaView {
  @Id('prj')
  projectId!: string;
  @One(QuotaUseView)
  limit!: QuotaUseView;
  @One(QuotaUseView)
  used!: QuotaUseView;
  @Int({ description: 'What it may keep in the registry, in MiB; GET /v1/registry says what it keeps.' })
  registryLimitMib!: number;
}

export const quotaView = ({ projectId, limit, used, registryLimitMib }: Quota): QuotaView => ({
  projectId,
  limit,
  used,
  registryLimitMib,
});

export class UsageView {
  @Id('i')
  instanceId!: string;
  @Id('prj')
  projectId!: string;
  @Str()
  plan!: string;
  @One(SizeView)
  held!: SizeView;
  @Time()
  from!: string;
  @Time({ nullable: true, description: 'Null while it goes on.' })
  until!: string | null;
  @Int({ description: 'Whole seconds so far.' })
  seconds!: number;
}

export const usageView =
  (now: number) =>
  (interval: UsageInterval): UsageView => ({
    instanceId: interval.instanceId,
    projectId: interval.projectId,
    plan: interval.planId,
    held: interval.held,
    from: timeOf(interval.from),
    until: timeOrNull(interval.until),
    seconds: Math.max(0, Math.floor(((interval.until ?? now) - interval.from) / 1000)),
  });

export class AuditView {
  @Id('aud')
  id!: string;
  @Str({ description: 'Token id.' })
  actor!: string;
  @Id('prj', { nullable: true })
  projectId!: string | null;
  @Str({ example: 'instance.create' })
  action!: string;
  @Str()
  resource!: string;
  @Str({ nullable: true })
  requestId!: string | null;
  @Time()
  at!: string;
}

export const auditView = (entry: AuditEntry & { id: string }): AuditView => ({
  id: entry.id,
  actor: entry.actor,
  projectId: entry.projectId,
  action: entry.action,
  resource: entry.resource,
  requestId: entry.requestId,
  at: timeOf(entry.at),
});
