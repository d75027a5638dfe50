import createClient, { type Client, type Middleware } from 'openapi-fetch';
import { ProblemError, type Problem } from './problem.js';
import type { components, paths } from './schema.js';

type Schemas = components['schemas'];
export type Instance = Schemas['InstanceView'];
export type Operation = Schemas['OperationView'];
export type Accepted = Schemas['AcceptedView'];
export type EngineJob = Schemas['EngineJobView'];
export type Host = Schemas['HostView'];
export type Plan = Schemas['PlanView'];
export type Image = Schemas['ImageView'];
export type ResizePlan = Schemas['ResizePlanView'];
export type Project = Schemas['ProjectView'];
export type Token = Schemas['TokenView'];

export interface ClientOptions {
  /** Such as `http://127.0.0.1:3000`. */
  readonly baseUrl: string;
  readonly token: string;
  /** For tests and proxies. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Every answer that is not a success is thrown as a `ProblemError`, so `data` is always there. */
const throwProblems: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return;
    throw new ProblemError(await problemIn(response), response.headers.get('retry-after'));
  },
};

/** Something between us and the API may answer without a problem: a proxy, or not JSON at all. */
async function problemIn(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  if (typeof body === 'object' && body !== null && 'code' in body) return body as Problem;
  const { status, statusText } = response;
  return { type: 'about:blank', title: statusText, status, detail: `HTTP ${status}`, code: `http-${status}` };
}

export type BellowsClient = Client<paths>;

/** The whole API, typed by its contract: `await api.GET('/v1/instances')`. */
export function client({ baseUrl, token, fetch }: ClientOptions): BellowsClient {
  const api = createClient<paths>({
    baseUrl,
    headers: { authorization: `Bearer ${token}` },
    ...(fetch && { fetch }),
  });
  api.use(throwProblems);
  return api;
}
