import { Check, Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { SizeColumns } from './size-columns.js';

/** A stretch of time at one size; open while `until_at` is null. */
@Entity('usage_interval')
@Check('usage_interval_order_check', `until_at IS NULL OR until_at >= from_at`)
@Index('usage_interval_open_key', ['instanceId'], { unique: true, where: 'until_at IS NULL' })
@Index('usage_interval_project_idx', ['projectId', 'fromAt', 'id'])
@Index('usage_interval_instance_idx', ['instanceId', 'fromAt', 'id'])
export class UsageIntervalEntity {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'usage_interval_pkey',
  })
  id!: number;

  @Column({ type: 'text' })
  instanceId!: string;

  @Column({ type: 'text' })
  projectId!: string;

  @Column({ type: 'text' })
  planId!: string;

  @Column(() => SizeColumns, { prefix: 'held' })
  held!: SizeColumns;

  @Column({ type: 'bigint' })
  fromAt!: number;

  @Column({ type: 'bigint', nullable: true })
  untilAt!: number | null;
}
