import type { Condition } from '@bellows/operations/ports/rows';
import { Int, Str, Time } from './view-fields.js';
import { timeOf } from './times.js';

export class SizeView {
  @Int()
  vcpus!: number;
  @Int()
  ramMib!: number;
  @Int()
  diskGib!: number;
}

export class BoundView {
  @Int()
  vcpus!: number;
  @Int()
  ramMib!: number;
}

export class ConditionView {
  @Str()
  type!: string;
  @Str()
  message!: string;
  @Time()
  since!: string;
}

export const conditionViews = (conditions: readonly Condition[]): ConditionView[] =>
  conditions.map(({ type, message, since }) => ({ type, message, since: timeOf(since) }));

export class FieldErrorView {
  @Str({ description: 'JSON pointer into the request body (RFC 6901).' })
  pointer!: string;
  @Str()
  detail!: string;
}
