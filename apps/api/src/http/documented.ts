import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiProperty,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { FieldErrorView } from './shared-views.js';

/** The body of every answer that is not a success. */
export class ProblemView {
  @ApiProperty({ type: String, example: 'urn:bellows:problem:no-room' })
  type!: string;
  @ApiProperty({ type: String })
  title!: string;
  @ApiProperty({ type: 'integer' })
  status!: number;
  @ApiProperty({ type: String })
  detail!: string;
  @ApiProperty({ type: String, description: 'Stable; a program may switch on it.' })
  code!: string;
  @ApiProperty({ type: FieldErrorView, isArray: true, required: false })
  errors?: FieldErrorView[];
}

const problem = ApiResponse({
  status: 'default',
  description: 'Refused; the parameters of the refusal are members of their own.',
  content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemView) } } },
});

type Class = new () => object;

/** A route that reads. */
export const Reads = (summary: string, View: Class): MethodDecorator =>
  applyDecorators(
    ApiOperation({ summary }),
    ApiExtraModels(ProblemView),
    ApiResponse({ status: 200, type: View, description: 'As asked.' }),
    problem,
  );

const pageNames = new Map<string, Class>();
/** `{ items, nextCursor }` of a view, as a named schema of its own. */
export function pageOf(View: Class): Class {
  const name = `${View.name.replace(/View$/, '')}Page`;
  const known = pageNames.get(name);
  if (known) return known;
  const Page = { [name]: class {} }[name]!;
  ApiProperty({ type: View, isArray: true })(Page.prototype as object, 'items');
  ApiProperty({ type: String, nullable: true })(Page.prototype as object, 'nextCursor');
  pageNames.set(name, Page);
  return Page;
}

export const Lists = (summary: string, View: Class): MethodDecorator => Reads(summary, pageOf(View));

/** A route that changes something: it takes an `Idempotency-Key`. */
export const Mutates = (summary: string, status: 200 | 201 | 202 | 204, View?: Class): MethodDecorator =>
  applyDecorators(
    ApiOperation({ summary }),
    ApiExtraModels(ProblemView),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description: 'The same key with the same request gives the same answer, once it has succeeded.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    }),
    View
      ? ApiResponse({
          status,
          type: View,
          description: status === 202 ? 'Accepted; follow the operation.' : 'Done.',
        })
      : ApiResponse({ status, description: 'Done.' }),
    problem,
  );

export const TakesIfMatch = (): MethodDecorator =>
  ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'The ETag the change is meant for.',
    schema: { type: 'string' },
  });
