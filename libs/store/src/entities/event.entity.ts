import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** What happened, on its way out. */
@Entity('event')
@Index('event_unnumbered_idx', ['id'], { where: 'seq IS NULL' })
@Index('event_seq_key', ['seq'], { unique: true })
export class EventEntity {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'event_pkey',
  })
  id!: number;

  @Column({ type: 'text' })
  type!: string;

  @Column({ type: 'text', nullable: true })
  projectId!: string | null;

  @Column({ type: 'text' })
  resource!: string;

  @Column({ type: 'json', nullable: true })
  data!: unknown;

  @Column({ type: 'bigint' })
  at!: number;

  /** Given after commit. */
  @Column({ type: 'bigint', nullable: true })
  seq!: number | null;
}
