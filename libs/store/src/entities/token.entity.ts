import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import { ProjectEntity } from './project.entity.js';

/** A bearer token; only the hash of its secret is kept. */
@Entity('token')
@Index('token_page_idx', ['createdAt', 'id'])
@Unique('token_secret_hash_key', ['secretHash'])
@Check('token_role_check', `role IN ('owner', 'member', 'viewer', 'admin')`)
export class TokenEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'token_pkey' })
  id!: string;

  @ForeignKey(() => ProjectEntity, { name: 'token_project_fkey', onDelete: 'CASCADE' })
  @Column({ type: 'text', nullable: true })
  projectId!: string | null;

  @Column({ type: 'text' })
  role!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  secretHash!: string;

  @Column({ type: 'bigint' })
  createdAt!: number;

  @Column({ type: 'bigint', nullable: true })
  expiresAt!: number | null;

  @Column({ type: 'bigint', nullable: true })
  revokedAt!: number | null;
}
