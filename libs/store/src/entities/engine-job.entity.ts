import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { InstanceEntity } from './instance.entity.js';

/** One call of an instance's container engine. */
@Entity('engine_job')
@Index('engine_job_newest_idx', ['instanceId', 'startedAt', 'id'])
@Index('engine_job_changes_idx', ['instanceId', 'seq'])
@Index('engine_job_started_idx', ['startedAt'])
@Index('engine_job_running_idx', ['recorder'], { where: "outcome = 'running'" })
@Check('engine_job_outcome_check', `outcome IN ('running', 'succeeded', 'failed', 'cut')`)
export class EngineJobEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'engine_job_pkey' })
  id!: string;

  @ForeignKey(() => InstanceEntity, { name: 'engine_job_instance_fkey', onDelete: 'CASCADE' })
  @Column({ type: 'text' })
  instanceId!: string;

  @Column({ type: 'text' })
  principal!: string;

  @Column({ type: 'text' })
  route!: string;

  @Column({ type: 'text' })
  verb!: string;

  @Column({ type: 'json' })
  subjects!: unknown;

  @Column({ type: 'bigint' })
  startedAt!: number;

  @Column({ type: 'bigint', nullable: true })
  durationMs!: number | null;

  @Column({ type: 'text' })
  outcome!: string;

  @Column({ type: 'integer', nullable: true })
  httpStatus!: number | null;

  @Column({ type: 'bigint' })
  bytesIn!: number;

  @Column({ type: 'bigint' })
  bytesOut!: number;

  @Column({ type: 'integer' })
  calls!: number;

  @Column({ type: 'json' })
  events!: unknown;

  @Column({ type: 'integer' })
  eventsDropped!: number;

  @Column({ type: 'text' })
  recorder!: string;

  /** Of its latest change, within its instance. */
  @Column({ type: 'bigint' })
  seq!: number;
}
