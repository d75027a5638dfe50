import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { InstanceEntity } from './instance.entity.js';

/** A durable change to an instance, with the lease of the worker that runs it. */
@Entity('operation')
@Check(
  'operation_state_check',
  `state IN ('pending', 'running', 'succeeded', 'partial', 'failed', 'rolled-back', 'cancelled', 'stuck')`,
)
@Check('operation_confirmed_by_check', `confirmed_by IN ('guest', 'hypervisor')`)
@Index('operation_live_key', ['instanceId'], {
  unique: true,
  where: `state IN ('pending', 'running') AND kind <> 'instance.delete'`,
})
@Index('operation_live_delete_key', ['instanceId'], {
  unique: true,
  where: `state IN ('pending', 'running') AND kind = 'instance.delete'`,
})
@Index('operation_due_idx', ['dueAt'], { where: `state IN ('pending', 'running')` })
@Index('operation_page_idx', ['createdAt', 'id'])
@Index('operation_project_page_idx', ['projectId', 'createdAt', 'id'])
@Index('operation_instance_page_idx', ['instanceId', 'createdAt', 'id'])
export class OperationEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'operation_pkey' })
  id!: string;

  @Column({ type: 'text' })
  kind!: string;

  @Column({ type: 'text' })
  projectId!: string;

  @ForeignKey(() => InstanceEntity, { name: 'operation_instance_fkey' })
  @Column({ type: 'text' })
  instanceId!: string;

  @Column({ type: 'text' })
  hostId!: string;

  @Column({ type: 'text' })
  state!: string;

  @Column({ type: 'integer' })
  sagaVersion!: number;

  @Column({ type: 'json', nullable: true })
  plan!: unknown;

  @Column({ type: 'jsonb' })
  steps!: unknown;

  @Column({ type: 'jsonb', nullable: true })
  error!: unknown;

  @Column({ type: 'jsonb' })
  warnings!: unknown;

  @Column({ type: 'text', nullable: true })
  confirmedBy!: string | null;

  @Column({ type: 'boolean', default: false })
  cancelRequested!: boolean;

  @Column({ type: 'bigint', default: 0 })
  fence!: number;

  @Column({ type: 'integer', default: 0 })
  attempt!: number;

  @Column({ type: 'bigint' })
  dueAt!: number;

  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'text', nullable: true })
  requestId!: string | null;

  @Column({ type: 'bigint' })
  createdAt!: number;

  @Column({ type: 'bigint', nullable: true })
  startedAt!: number | null;

  @Column({ type: 'bigint', nullable: true })
  finishedAt!: number | null;

  @Column({ type: 'text', nullable: true })
  leaseOwner!: string | null;

  @Column({ type: 'bigint', nullable: true })
  leaseUntil!: number | null;
}
