import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** One row: the cloud itself. */
@Entity('cloud')
@Check('cloud_one_row', `singleton`)
export class CloudEntity {
  @PrimaryColumn({ type: 'boolean', primaryKeyConstraintName: 'cloud_pkey', default: true })
  singleton!: boolean;

  @Column({ type: 'text' })
  controllerId!: string;

  @Column({ type: 'bigint', default: 0 })
  lastEventSeq!: number;
}
