import { request, type IncomingMessage } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ApiSettings } from '../api-settings.js';
import type { Answer } from '../api.fixture.js';
import { boot, listen } from '../boot.js';
import { DockerBench } from '../docker/docker-bench.fixture.js';
import { makeLogger } from '../http/logger.js';
import { SETTINGS } from '../provider-names.js';

export interface Told {
  readonly id: number;
  readonly event: string;
  readonly data: any;
}

/** A line of server-sent events, read as a browser would. */
export class EventLine {
  readonly told: Told[] = [];
  lastId = '';
  heartbeats = 0;
  status = 0;
  closed = false;
  leave: () => void = () => undefined;

  static open(url: string, token: string, lastEventId?: string): Promise<EventLine> {
    const line = new EventLine();
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    };
    return new Promise((resolve, reject) => {
      const asked = request(url, { headers, agent: false }, (answer: IncomingMessage) => {
        line.status = answer.statusCode!;
        let rest = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          const blocks = (rest + part).split('\n\n');
          rest = blocks.pop()!;
          for (const block of blocks) line.#take(block);
        });
        answer.on('close', () => (line.closed = true)).on('error', () => undefined);
        resolve(line);
      });
      line.leave = () => void asked.destroy();
      asked.on('error', reject).end();
    });
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map((text) => text.split(/: ?(.*)/s, 2) as [string, string]));
    this.lastId = fields.get('id') ?? this.lastId;
    if (fields.has('')) this.heartbeats += 1;
    const data = fields.get('data');
    if (data === undefined) return;
    this.told.push({ id: Number(this.lastId), event: fields.get('event')!, data: JSON.parse(data) });
  }

  /** The last word on each job, in the order of their first. */
  get jobs(): any[] {
    const jobs = new Map<string, any>();
    for (const { event, data } of this.told) if (event === 'engine-job') jobs.set(data.id, data);
    return [...jobs.values()];
  }
}

/** Another API process of the same cloud. */
export async function anotherApi(bench: DockerBench): Promise<{ url: string; app: NestFastifyApplication }> {
  const settings = { ...bench.api.app.get<ApiSettings>(SETTINGS), port: 0, dockerPort: null };
  const app = await boot(settings, makeLogger('silent'));
  return { url: `http://127.0.0.1:${await listen(app, settings)}`, app };
}

export const jobsPath = (bench: DockerBench, instance = bench.instance): string =>
  `/v1/instances/${instance}/engine-jobs`;

export const listed = async (bench: DockerBench, query = '', token = bench.tokens.viewer): Promise<any[]> => {
  const answer: Answer = await bench.api.call('GET', `${jobsPath(bench)}${query}`, undefined, { token });
  return answer.body['items'] as any[];
};
