import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A host that was removed, for those who poll for changes. */
@Entity('host_tombstone')
export class HostTombstoneEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'host_tombstone_pkey' })
  id!: string;

  @Column({ type: 'bigint' })
  changedIn!: number;
}
