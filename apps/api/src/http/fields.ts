import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  Matches,
  Max,
  Min,
  ValidateBy,
} from 'class-validator';

/** One decorator a field: it checks the request and describes itself in openapi.json. */
interface Common {
  readonly description?: string;
  readonly optional?: true;
  readonly example?: unknown;
}

const optionally = ({ optional }: Common): PropertyDecorator[] => (optional ? [IsOptional()] : []);
const described = ({ description, optional, example }: Common) => ({
  ...(description && { description }),
  ...(example !== undefined && { example }),
  required: !optional,
});

const rule = (name: string, message: string, validate: (value: unknown) => boolean): PropertyDecorator =>
  ValidateBy({ name, validator: { validate } }, { message });

/** Postgres stores neither NUL nor lone surrogates. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

interface TextRules extends Common {
  readonly min?: number;
  readonly max: number;
  readonly pattern?: RegExp;
  /** What the pattern means, for a person. */
  readonly form?: string;
}

const isText = ({ min = 1, max }: { min?: number; max: number }) => {
  const message = `must be text of ${min} to ${max} characters, without NUL`;
  return rule(
    'isText',
    message,
    (text) => typeof text === 'string' && text.length >= min && text.length <= max && isStorable(text),
  );
};

export const TextField = (rules: TextRules): PropertyDecorator =>
  applyDecorators(
    ApiProperty({
      ...described(rules),
      type: String,
      minLength: rules.min ?? 1,
      maxLength: rules.max,
      ...(rules.pattern && { pattern: rules.pattern.source }),
    }),
    ...optionally(rules),
    isText(rules),
    ...(rules.pattern ? [Matches(rules.pattern, { message: `must be ${rules.form}` })] : []),
  );

export const IntegerField = (rules: Common & { min: number; max: number }): PropertyDecorator => {
  const message = `must be a whole number from ${rules.min} to ${rules.max}`;
  return applyDecorators(
    ApiProperty({ ...described(rules), type: 'integer', minimum: rules.min, maximum: rules.max }),
    ...optionally(rules),
    IsInt({ message }),
    Min(rules.min, { message }),
    Max(rules.max, { message }),
  );
};

/** A whole number as a query carries it: text, without sign or leading zero. */
export const QueryIntegerField = (rules: Common & { min: number; max: number }): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ ...described(rules), type: 'integer', minimum: rules.min, maximum: rules.max }),
    ...optionally(rules),
    rule(
      'isIntegerText',
      `must be a whole number from ${rules.min} to ${rules.max}`,
      (text) =>
        typeof text === 'string' &&
        /^(0|[1-9]\d{0,8})$/.test(text) &&
        Number(text) >= rules.min &&
        Number(text) <= rules.max,
    ),
  );

export const NumberField = (rules: Common & { min: number; max: number }): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ ...described(rules), type: Number, minimum: rules.min, maximum: rules.max }),
    ...optionally(rules),
    rule(
      'isNumberBetween',
      `must be a number from ${rules.min} to ${rules.max}`,
      (n) => typeof n === 'number' && n >= rules.min && n <= rules.max,
    ),
  );

export const FlagField = (rules: Common = {}): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ ...described(rules), type: Boolean }),
    ...optionally(rules),
    IsBoolean({ message: 'must be true or false' }),
  );

export const WordField = (words: readonly string[], rules: Common = {}): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ ...described(rules), type: String, enum: [...words] }),
    ...optionally(rules),
    IsIn(words, { message: `must be one of ${words.join(', ')}` }),
  );

export const WordsField = (words: readonly string[], rules: Common = {}): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ ...described(rules), type: String, isArray: true, enum: [...words] }),
    ...optionally(rules),
    IsArray({ message: 'must be a list' }),
    ArrayMaxSize(words.length, { message: `must have at most ${words.length} entries` }),
    IsIn(words, { each: true, message: `must have entries among ${words.join(', ')}` }),
  );

export const TextsField = (
  rules: Common & { maxItems: number; max: number; pattern: RegExp; form: string },
): PropertyDecorator =>
  applyDecorators(
    ApiProperty({
      ...described(rules),
      type: 'array',
      maxItems: rules.maxItems,
      items: { type: 'string', maxLength: rules.max, pattern: rules.pattern.source },
    }),
    ...optionally(rules),
    rule(
      'isTexts',
      `must be a list of at most ${rules.maxItems} entries, each ${rules.form}, at most ${rules.max} characters`,
      (list) =>
        Array.isArray(list) &&
        list.length <= rules.maxItems &&
        list.every(
          (t) => typeof t === 'string' && t.length <= rules.max && rules.pattern.test(t) && isStorable(t),
        ),
    ),
  );

/** Labels: at most 50, keys of letters, digits and `._/-`, values of at most 255 characters. */
export const TagsField = (rules: Common = {}): PropertyDecorator =>
  applyDecorators(
    ApiProperty({
      ...(rules.description && { description: rules.description }),
      selfRequired: !rules.optional,
      type: 'object',
      additionalProperties: { type: 'string', maxLength: 255 },
    }),
    ...optionally(rules),
    rule(
      'isTags',
      'must be an object of at most 50 tags: keys of 1 to 63 letters, digits, dots, dashes, slashes and underscores, ' +
        'values text of at most 255 characters',
      (tags) =>
        isRecord(tags) &&
        Object.keys(tags).length <= 50 &&
        Object.entries(tags).every(
          ([key, value]) =>
            /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(key) &&
            typeof value === 'string' &&
            value.length <= 255 &&
            isStorable(value),
        ),
    ),
  );

/** RFC 3339 with a zone; arrives as text and is kept as text. */
export const TimeField = (rules: Common = {}): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ ...described(rules), type: String, format: 'date-time' }),
    ...optionally(rules),
    rule('isTime', 'must be a time such as 2026-11-23T19:00:00Z', (t) => typeof t === 'string' && isTime(t)),
  );

const timeForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
export const isTime = (text: string): boolean => timeForm.test(text) && !Number.isNaN(Date.parse(text));

/** A body within the body: checked like one. The class is found again by the parser. */
const nestedClasses = new WeakMap<object, Map<string, new () => object>>();
export const nestedIn = (prototype: object): ReadonlyMap<string, new () => object> =>
  nestedClasses.get(prototype) ?? new Map();

export const NestedField =
  (Class: new () => object, rules: Common = {}): PropertyDecorator =>
  (prototype, name) => {
    applyDecorators(
      ApiProperty({ ...described(rules), type: Class }),
      ...optionally(rules),
      rule('isNested', 'must be an object', (value) => value instanceof Class),
    )(prototype, name);
    const known = nestedClasses.get(prototype) ?? new Map<string, new () => object>();
    nestedClasses.set(prototype, known.set(String(name), Class));
  };

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
