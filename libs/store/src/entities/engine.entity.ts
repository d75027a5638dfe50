import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { InstanceEntity } from './instance.entity.js';

/** What was last heard of the container engine in a guest. */
@Entity('engine')
@Check('engine_state_check', `state IN ('starting', 'ready', 'failed', 'absent')`)
export class EngineEntity {
  @ForeignKey(() => InstanceEntity, { name: 'engine_instance_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'engine_pkey' })
  instanceId!: string;

  @Column({ type: 'text' })
  state!: string;

  @Column({ type: 'text', nullable: true })
  version!: string | null;

  @Column({ type: 'bigint' })
  seenAt!: number;
}
