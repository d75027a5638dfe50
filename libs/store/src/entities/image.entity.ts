import { Check, Column, Entity, PrimaryColumn, Unique } from 'typeorm';

/** A disk image that instances start from. */
@Entity('image')
@Unique('image_name_key', ['name'])
@Check('image_disk_format_check', `disk_format IN ('raw', 'qcow2')`)
export class ImageEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'image_pkey' })
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  diskFormat!: string;

  @Column({ type: 'integer' })
  minDiskGib!: number;

  @Column({ type: 'integer' })
  minRamMib!: number;

  @Column({ type: 'text' })
  os!: string;
}
