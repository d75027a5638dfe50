import { describe, expect, it } from '@jest/globals';
import { RouteTable } from './route-table.js';

describe('the route table', () => {
  const routes = new RouteTable();
  routes.add('/v1/hosts/:id', 'GET');
  routes.add('/v1/hosts/:id', ['DELETE']);
  routes.add('/openapi.json', 'GET');

  it('knows the methods of a path', () => {
    expect(routes.methodsOf('/v1/hosts/h-1')).toEqual(['DELETE', 'GET']);
  });

  it('takes a parameter for one segment, and a dot for a dot', () => {
    expect(routes.methodsOf('/v1/hosts/h-1/x')).toEqual([]);
    expect(routes.methodsOf('/v1/hosts/')).toEqual([]);
    expect(routes.methodsOf('/openapiXjson')).toEqual([]);
  });
});
