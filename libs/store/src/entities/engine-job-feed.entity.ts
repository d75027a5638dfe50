import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { InstanceEntity } from './instance.entity.js';

/** How far the changes of an instance's engine jobs have been numbered. */
@Entity('engine_job_feed')
export class EngineJobFeedEntity {
  @ForeignKey(() => InstanceEntity, { name: 'engine_job_feed_instance_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'engine_job_feed_pkey' })
  instanceId!: string;

  @Column({ type: 'bigint' })
  lastSeq!: number;

  /** Of what has been removed, the highest number. */
  @Column({ type: 'bigint', default: 0 })
  trimmedSeq!: number;
}
