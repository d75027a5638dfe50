import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';
import { OvercommitColumns, SizeColumns } from './size-columns.js';

/** A physical server and the claims on it. */
@Entity('host')
@Unique('host_name_key', ['name'])
@Unique('host_uri_key', ['uri'])
@Index('host_page_idx', ['createdAt', 'id'])
@Check('host_driver_check', `driver IN ('sim', 'libvirt')`)
@Check('host_state_check', `state IN ('ready', 'cordoned', 'down')`)
@Check('host_reserved_check', `reserved_vcpus >= 0 AND reserved_ram_mib >= 0 AND reserved_disk_gib >= 0`)
@Check('host_capacity_check', `capacity_vcpus >= 0 AND capacity_ram_mib >= 0 AND capacity_disk_gib >= 0`)
@Check('host_instances_check', `instances >= 0`)
export class HostEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'host_pkey' })
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  driver!: string;

  @Column({ type: 'text' })
  uri!: string;

  @Column({ type: 'text' })
  zone!: string;

  @Column({ type: 'text' })
  state!: string;

  @Column(() => SizeColumns, { prefix: 'physical' })
  physical!: SizeColumns;

  @Column(() => OvercommitColumns, { prefix: 'overcommit' })
  overcommit!: OvercommitColumns;

  @Column(() => SizeColumns, { prefix: 'reserve' })
  reserve!: SizeColumns;

  @Column(() => SizeColumns, { prefix: 'foreign' })
  foreign!: SizeColumns;

  @Column({ type: 'integer' })
  guestOverheadMib!: number;

  @Column(() => SizeColumns, { prefix: 'capacity' })
  capacity!: SizeColumns;

  @Column(() => SizeColumns, { prefix: 'reserved' })
  reserved!: SizeColumns;

  @Column({ type: 'integer' })
  instances!: number;

  @Column({ type: 'jsonb' })
  conditions!: unknown;

  @Column({ type: 'bigint' })
  createdAt!: number;

  /** Transaction that last wrote the row: pollers ask for what is not older than their mark. */
  @Column({ type: 'bigint' })
  changedIn!: number;
}
