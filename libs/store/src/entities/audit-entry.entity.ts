import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** Who did what. */
@Entity('audit_entry')
@Index('audit_entry_project_idx', ['projectId', 'id'])
export class AuditEntryEntity {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'audit_entry_pkey',
  })
  id!: number;

  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'text', nullable: true })
  projectId!: string | null;

  @Column({ type: 'text' })
  action!: string;

  @Column({ type: 'text' })
  resource!: string;

  @Column({ type: 'text', nullable: true })
  requestId!: string | null;

  @Column({ type: 'bigint' })
  at!: number;
}
