import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { ProjectEntity } from './project.entity.js';
import { LimitColumns, UsedColumns } from './size-columns.js';

/** What a project may use, and uses. */
@Entity('quota')
@Check('quota_limit_registry_check', `limit_registry_mib >= 0`)
@Check(
  'quota_used_check',
  `used_instances >= 0 AND used_vcpus >= 0 AND used_ram_mib >= 0 AND used_disk_gib >= 0`,
)
export class QuotaEntity {
  @ForeignKey(() => ProjectEntity, { name: 'quota_project_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'quota_pkey' })
  projectId!: string;

  @Column(() => LimitColumns, { prefix: 'limit' })
  limit!: LimitColumns;

  @Column(() => UsedColumns, { prefix: 'used' })
  used!: UsedColumns;

  @Column({ type: 'integer', default: 20480 })
  limitRegistryMib!: number;
}
