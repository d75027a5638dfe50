import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ProjectEntity } from './project.entity.js';
import { BoundColumns, SizeColumns } from './size-columns.js';

/** A virtual machine of a project. */
@Entity('instance')
@Check(
  'instance_state_check',
  `state IN ('provisioning', 'running', 'paused', 'stopping', 'stopped', 'starting', 'rebooting', 'migrating', 'rebuilding', 'deleting', 'deleted', 'error')`,
)
@Check('instance_family_check', `family IN ('vps', 'ecs', 'burst')`)
@Check('instance_disk_format_check', `disk_format IN ('raw', 'qcow2')`)
@Check('instance_reserved_check', `reserved_vcpus >= 0 AND reserved_ram_mib >= 0 AND reserved_disk_gib >= 0`)
@Check('instance_held_check', `held_vcpus >= 0 AND held_ram_mib >= 0 AND held_disk_gib >= 0`)
@Index('instance_page_idx', ['createdAt', 'id'])
@Index('instance_project_page_idx', ['projectId', 'createdAt', 'id'])
@Index('instance_host_idx', ['hostId'], { where: 'deleted_at IS NULL' })
@Index('instance_group_idx', ['projectId', 'antiAffinityGroup'], {
  where: 'anti_affinity_group IS NOT NULL AND deleted_at IS NULL',
})
export class InstanceEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'instance_pkey' })
  id!: string;

  @ForeignKey(() => ProjectEntity, { name: 'instance_project_fkey' })
  @Column({ type: 'text' })
  projectId!: string;

  @Column({ type: 'text' })
  hostId!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  state!: string;

  @Column({ type: 'text' })
  planId!: string;

  @Column({ type: 'text' })
  family!: string;

  @Column({ type: 'text' })
  image!: string;

  @Column({ type: 'text' })
  diskFormat!: string;

  @Column({ type: 'text' })
  zone!: string;

  @Column(() => SizeColumns, { prefix: 'desired' })
  desired!: SizeColumns;

  @Column(() => SizeColumns, { prefix: 'reserved' })
  reserved!: SizeColumns;

  @Column(() => SizeColumns, { prefix: 'held' })
  held!: SizeColumns;

  @Column(() => SizeColumns, { prefix: 'effective' })
  effective!: SizeColumns;

  @Column(() => BoundColumns, { prefix: 'floor' })
  floor!: BoundColumns;

  @Column(() => BoundColumns, { prefix: 'ceiling' })
  ceiling!: BoundColumns;

  @Column({ type: 'text' })
  mac!: string;

  @Column({ type: 'text' })
  tap!: string;

  @Column({ type: 'text', nullable: true })
  privateAddress!: string | null;

  @Column({ type: 'integer', nullable: true })
  privatePrefixLength!: number | null;

  @Column({ type: 'text', nullable: true })
  privateGateway!: string | null;

  @Column({ type: 'text', nullable: true })
  publicAddress!: string | null;

  @Column({ type: 'jsonb' })
  sshKeys!: unknown;

  @Column({ type: 'text', nullable: true })
  userData!: string | null;

  @Column({ type: 'jsonb' })
  tags!: unknown;

  @Column({ type: 'text', nullable: true })
  antiAffinityGroup!: string | null;

  @Column({ type: 'jsonb' })
  conditions!: unknown;

  @Column({ type: 'integer' })
  version!: number;

  @Column({ type: 'bigint' })
  createdAt!: number;

  @Column({ type: 'bigint' })
  updatedAt!: number;

  @Column({ type: 'bigint', nullable: true })
  deletedAt!: number | null;
}
