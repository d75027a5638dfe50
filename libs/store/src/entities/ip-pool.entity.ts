import { Check, Column, Entity, Exclusion, PrimaryColumn } from 'typeorm';

/** A range of addresses. */
@Entity('ip_pool')
@Check('ip_pool_kind_check', `kind IN ('public', 'private')`)
@Check('ip_pool_mode_check', `mode IN ('routed', 'bridged')`)
@Check('ip_pool_used_check', `used >= 0 AND used <= size`)
@Check('ip_pool_next_offset_check', `next_offset >= 0 AND next_offset <= size`)
@Exclusion('ip_pool_no_overlap', `USING gist (cidr inet_ops WITH &&)`)
export class IpPoolEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'ip_pool_pkey' })
  id!: string;

  @Column({ type: 'cidr' })
  cidr!: string;

  @Column({ type: 'text' })
  gateway!: string;

  @Column({ type: 'text' })
  kind!: string;

  @Column({ type: 'text' })
  mode!: string;

  @Column({ type: 'text', nullable: true })
  zone!: string | null;

  @Column({ type: 'bigint' })
  size!: number;

  @Column({ type: 'bigint', default: 0 })
  used!: number;

  /** How many addresses were ever handed out from the untouched end of the range. */
  @Column({ type: 'bigint', default: 0 })
  nextOffset!: number;
}
