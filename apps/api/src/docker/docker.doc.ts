import type { OpenAPIObject } from '@nestjs/swagger';

const problem = {
  description: 'Refused, or not reached: `message` for docker clients, and the members of a problem.',
  content: {
    'application/json': {
      schema: {
        allOf: [
          { $ref: '#/components/schemas/ProblemView' },
          { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
        ],
      },
    },
  },
};

/** The Docker Engine API has a description of its own; here is only where it is. */
export function documentDocker(document: OpenAPIObject): void {
  document.paths['/v1/instances/{id}/docker/{path}'] = {
    get: {
      operationId: 'docker_engine',
      tags: ['docker'],
      summary: "The Docker Engine API of the instance's own container engine, with every method it knows",
      description:
        'Any request of the Docker Engine API (GET, HEAD, POST, PUT, DELETE, and upgrades to `tcp` and `h2c`), its ' +
        'path with or without a version. A viewer may look and change nothing. Revoking a token ends its streams.',
      security: [{ bearer: [] }],
      parameters: [
        { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
        {
          name: 'path',
          in: 'path',
          required: true,
          description: 'Of the Docker Engine API, such as `v1.45/containers/json`; it may hold slashes.',
          schema: { type: 'string' },
        },
      ],
      responses: {
        '200': { description: 'What the engine answered, without headers that browsers act on.' },
        default: problem,
      },
    },
  };
}
