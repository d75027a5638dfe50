import type { Principal } from '@bellows/operations/cloud';
import type { RouteTable } from './route-table.js';

declare module 'fastify' {
  interface FastifyInstance {
    routes: RouteTable;
  }
  interface FastifyContextConfig {
    /** Its bodies may take as long as they take. */
    unhurried?: boolean;
  }
  interface FastifyRequest {
    /** Set by the auth guard. */
    principal: Principal | null;
  }
  interface FastifyReply {
    /** Of the problem that was answered; for the metrics. */
    problemCode: string | null;
    /** Of the operation that was started; for the log. */
    operationId: string | null;
  }
}
