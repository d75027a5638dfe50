import { Column } from 'typeorm';

/** `<prefix>_vcpus`, `<prefix>_ram_mib`, `<prefix>_disk_gib` of a table. */
export class SizeColumns {
  @Column({ type: 'integer' })
  vcpus!: number;

  @Column({ type: 'integer' })
  ramMib!: number;

  @Column({ type: 'integer' })
  diskGib!: number;
}

export class OvercommitColumns {
  @Column({ type: 'double precision' })
  vcpus!: number;

  @Column({ type: 'double precision' })
  ramMib!: number;

  @Column({ type: 'double precision' })
  diskGib!: number;
}

export class BoundColumns {
  @Column({ type: 'integer' })
  vcpus!: number;

  @Column({ type: 'integer' })
  ramMib!: number;
}

export class LimitColumns {
  @Column({ type: 'bigint' })
  instances!: number;

  @Column({ type: 'bigint' })
  vcpus!: number;

  @Column({ type: 'bigint' })
  ramMib!: number;

  @Column({ type: 'bigint' })
  diskGib!: number;
}

export class UsedColumns {
  @Column({ type: 'bigint', default: 0 })
  instances!: number;

  @Column({ type: 'bigint', default: 0 })
  vcpus!: number;

  @Column({ type: 'bigint', default: 0 })
  ramMib!: number;

  @Column({ type: 'bigint', default: 0 })
  diskGib!: number;
}
