import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { documentDocker } from '../docker/docker.doc.js';

/** The contract, made from the DTOs: the only place where it is written down. */
export function openApiOf(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Bellows')
    .setDescription(
      'An elastic cloud you can own. Long work answers 202 with an operation to follow; refusals are ' +
        'application/problem+json (RFC 9457) with a stable `code`.',
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth()
    .addBasicAuth()
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) =>
      `${controller.replace(/Controller$/, '').replace(/^./, (c) => c.toLowerCase())}_${method}`,
  });
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
    // The parser refuses unknown fields; the contract says so.
    if (name.endsWith('Body') && 'properties' in schema) schema.additionalProperties = false;
  }
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of Object.values(item as Record<string, OperationObject>))
      namePathParameters(path, operation);
  }
  documentDocker(document);
  return document;
}

type OperationObject = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Parameter = NonNullable<OperationObject['parameters']>[number];

/** A branded id is a class to one compiler and nothing to another: the path itself says what it takes. */
function namePathParameters(path: string, operation: OperationObject): void {
  const given = (operation.parameters ?? []).filter((one) => 'in' in one);
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(
    ([, name]): Parameter =>
      given.find((one) => one.in === 'path' && one.name === name) ?? {
        name: name!,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      },
  );
  operation.parameters = [...named, ...given.filter((one) => one.in !== 'path')];
}
