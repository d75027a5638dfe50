import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';

/** Fields of answers, described for openapi.json; what is sent is plain data. */
const field = (options: ApiPropertyOptions): PropertyDecorator => ApiProperty(options);

export const Id = (prefix: string, options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: String, example: `${prefix}-0123456789abcdefghjk`, ...options } as ApiPropertyOptions);
export const Str = (options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: String, ...options } as ApiPropertyOptions);
export const Int = (options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: 'integer', ...options } as ApiPropertyOptions);
export const Num = (options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: Number, ...options } as ApiPropertyOptions);
export const Flag = (options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: Boolean, ...options } as ApiPropertyOptions);
export const Word = (words: readonly string[], options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: String, enum: [...words], ...options } as ApiPropertyOptions);
export const Time = (options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: String, format: 'date-time', ...options } as ApiPropertyOptions);
/** A decimal string: never a float. */
export const Money = (options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({
    type: String,
    pattern: '^-?\\d+\\.\\d{4,6}$',
    example: '0.0105',
    ...options,
  } as ApiPropertyOptions);
export const One = (Class: new () => object, options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: Class, ...options } as ApiPropertyOptions);
export const Many = (Class: new () => object, options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: Class, isArray: true, ...options } as ApiPropertyOptions);
export const Strs = (options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: String, isArray: true, ...options } as ApiPropertyOptions);
export const StrMap = (options: ApiPropertyOptions = {}): PropertyDecorator =>
  field({ type: 'object', additionalProperties: { type: 'string' }, ...options } as ApiPropertyOptions);
