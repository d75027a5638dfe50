import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** The answer given under an idempotency key. */
@Entity('kept_answer')
@Index('kept_answer_at_idx', ['at'])
export class KeptAnswerEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'kept_answer_pkey' })
  scope!: string;

  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'kept_answer_pkey' })
  key!: string;

  @Column({ type: 'text' })
  requestHash!: string;

  @Column({ type: 'integer' })
  status!: number;

  @Column({ type: 'json', nullable: true })
  body!: unknown;

  @Column({ type: 'json', nullable: true })
  headers!: unknown;

  @Column({ type: 'bigint' })
  at!: number;
}
