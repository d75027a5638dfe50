import { Check, Column, Entity, PrimaryColumn } from 'typeorm';
import { BoundColumns } from './size-columns.js';

/** A slice as it is sold. */
@Entity('plan')
@Check('plan_family_check', `family IN ('vps', 'ecs', 'burst')`)
@Check('plan_size_check', `vcpus > 0 AND ram_mib > 0 AND disk_gib > 0`)
export class PlanEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'plan_pkey' })
  id!: string;

  @Column({ type: 'text' })
  family!: string;

  @Column({ type: 'integer' })
  vcpus!: number;

  @Column({ type: 'integer' })
  ramMib!: number;

  @Column({ type: 'integer' })
  diskGib!: number;

  @Column({ type: 'integer' })
  bandwidthMbps!: number;

  @Column(() => BoundColumns, { prefix: 'floor' })
  floor!: BoundColumns;

  @Column(() => BoundColumns, { prefix: 'ceiling' })
  ceiling!: BoundColumns;

  @Column({ type: 'text' })
  pricePerHour!: string;
}
