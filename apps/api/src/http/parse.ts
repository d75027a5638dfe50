import { getMetadataStorage, validateSync } from 'class-validator';
import { refuse, type FieldError } from '@bellows/domain/refusal';
import type { PipeTransform } from '@nestjs/common';
import { isRecord, nestedIn } from './fields.js';
import { Refused } from './refused.js';

type Class<Body extends object> = new () => Body;

/** Fields of each body, found once: the checks run on every request. */
const knownFields = new Map<Class<object>, ReadonlySet<string>>();
function fieldsOf(Class: Class<object>): ReadonlySet<string> {
  let fields = knownFields.get(Class);
  if (!fields) {
    const metadata = getMetadataStorage().getTargetValidationMetadatas(Class, '', false, false);
    fields = new Set(metadata.map(({ propertyName }) => propertyName));
    knownFields.set(Class, fields);
  }
  return fields;
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/**
 * Only known fields are copied, so that a key such as `constructor` never reaches the object that is checked,
 * and nothing recurses deeper than the classes do. A field that is null counts as left out.
 */
function shaped(
  Class: Class<object>,
  value: Record<string, unknown>,
  at: string,
  errors: FieldError[],
): object {
  const fields = fieldsOf(Class);
  const nested = nestedIn(Class.prototype as object);
  // Not `new`: a field that is not given must not exist at all, not even as undefined.
  const body = Object.create(Class.prototype as object) as Record<string, unknown>;
  for (const [key, part] of Object.entries(value)) {
    if (!fields.has(key)) {
      errors.push({
        pointer: `${at}/${escaped(key.slice(0, 100).toWellFormed())}`,
        detail: 'is not a known field',
      });
      continue;
    }
    if (part === null) continue;
    const Inner = nested.get(key);
    body[key] = Inner && isRecord(part) ? shaped(Inner, part, `${at}/${key}`, errors) : part;
  }
  for (const { property, constraints } of validateSync(body, { forbidUnknownValues: false })) {
    errors.push({
      pointer: `${at}/${property}`,
      detail: Object.values(constraints ?? {})[0] ?? 'is not valid',
    });
  }
  return body;
}

/** @throws Refused with a JSON pointer for each field that is wrong. */
export function parse<Body extends object>(Class: Class<Body>, value: unknown, what = 'body'): Body {
  if (!isRecord(value)) throw new Refused(refuse('invalid', `The ${what} must be a JSON object.`));
  const errors: FieldError[] = [];
  const body = shaped(Class, value, '', errors);
  if (errors.length === 0) return body as Body;
  const [{ pointer, detail }] = errors as [FieldError];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const shown = errors.slice(0, 50);
  throw new Refused(refuse('invalid', `${what} ${pointer} ${detail}${more}`, undefined, shown));
}

/** For `@Body(as(CreateInstanceBody))`. */
export const as = <Body extends object>(Class: Class<Body>): PipeTransform<unknown, Body> => ({
  transform: (value) => parse(Class, value),
});

/** For `@Query(asQuery(ListQuery))`. Every value is text; a parameter given twice is refused by its field. */
export const asQuery = <Query extends object>(Class: Class<Query>): PipeTransform<unknown, Query> => ({
  transform: (value) => parse(Class, { ...(value as object) }, 'query'),
});
