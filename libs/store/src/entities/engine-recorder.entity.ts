import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A process that records engine jobs, and when it was last heard of by the database's clock. */
@Entity('engine_recorder')
export class EngineRecorderEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'engine_recorder_pkey' })
  id!: string;

  @Column({ type: 'bigint' })
  seenAt!: number;
}
