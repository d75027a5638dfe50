import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { describeApi } from './describe.js';

describe('openapi.json', () => {
  it('is what the DTOs say (npm run openapi -w @bellows/api writes it)', async () => {
    const committed: unknown = JSON.parse(
      readFileSync(new URL('../../../../openapi.json', import.meta.url), 'utf8'),
    );
    expect(JSON.parse(JSON.stringify(await describeApi()))).toEqual(committed);
  });

  it('describes a refusal for every route, a key for every mutation, and no unknown field in a body', async () => {
    const { paths, components } = await describeApi();
    for (const [path, item] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(item as Record<string, any>)) {
        const where = `${method} ${path}`;
        expect([where, Object.keys(operation.responses)]).toEqual([
          where,
          expect.arrayContaining(['default']),
        ]);
        if (method === 'get' || path.endsWith('/resize-plans')) continue;
        const headers = (operation.parameters ?? []).map(({ name }: { name: string }) => name);
        expect([where, headers]).toEqual([where, expect.arrayContaining(['Idempotency-Key'])]);
      }
    }
    const bodies = Object.entries(components?.schemas ?? {}).filter(([name]) => name.endsWith('Body'));
    expect(bodies.length).toBeGreaterThan(8);
    for (const [name, schema] of bodies)
      expect([name, schema]).toEqual([name, expect.objectContaining({ additionalProperties: false })]);
  });
});
