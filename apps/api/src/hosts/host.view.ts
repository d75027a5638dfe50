import { hostStates } from '@bellows/domain/lifecycle';
import type { Size } from '@bellows/domain/size';
import type { Host, IpPool } from '@bellows/operations/ports/rows';
import { ConditionView, conditionViews, SizeView } from '../http/shared-views.js';
import { timeOf } from '../http/times.js';
import { Id, Int, Many, One, Str, Time, Word } from '../http/view-fields.js';

export class OvercommitView {
  @Int({ type: Number })
  vcpus!: number;
  @Int({ type: Number })
  ramMib!: number;
  @Int({ type: Number })
  diskGib!: number;
}

export class HostView {
  @Id('h')
  id!: string;
  @Str()
  name!: string;
  @Word(['sim', 'libvirt'])
  driver!: string;
  @Str()
  uri!: string;
  @Str()
  zone!: string;
  @Word(hostStates)
  state!: string;
  @Many(ConditionView)
  conditions!: ConditionView[];
  @One(SizeView)
  physical!: SizeView;
  @One(SizeView, { description: 'What may be sold: after reserve, foreign guests and overcommit.' })
  capacity!: SizeView;
  @One(SizeView, { description: 'Claimed; never more than the capacity.' })
  reserved!: SizeView;
  @One(SizeView, { description: 'What its guests are held to now.' })
  held!: SizeView;
  @One(OvercommitView)
  overcommit!: OvercommitView;
  @Int({ description: 'How many.' })
  instances!: number;
  @Time()
  createdAt!: string;
}

export const hostView = (host: Host, held: Size): HostView => ({
  id: host.id,
  name: host.name,
  driver: host.driver,
  uri: host.uri,
  zone: host.zone,
  state: host.state,
  conditions: conditionViews(host.conditions),
  physical: host.physical,
  capacity: host.capacity,
  reserved: host.reserved,
  held,
  overcommit: host.overcommit,
  instances: host.instances,
  createdAt: timeOf(host.createdAt),
});

export class IpPoolView {
  @Id('pool')
  id!: string;
  @Str()
  cidr!: string;
  @Str()
  gateway!: string;
  @Word(['public', 'private'])
  kind!: string;
  @Word(['routed', 'bridged'])
  mode!: string;
  @Str({ nullable: true, description: 'Null: for every zone without a pool of its own.' })
  zone!: string | null;
  @Int({ description: 'Addresses it can hand out.' })
  size!: number;
  @Int()
  used!: number;
}

export const ipPoolView = ({ id, cidr, gateway, kind, mode, zone, size, used }: IpPool): IpPoolView => ({
  id,
  cidr,
  gateway,
  kind,
  mode,
  zone,
  size,
  used,
});
