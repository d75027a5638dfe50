import { request } from 'node:http';
import type { InstanceId } from '@bellows/domain/ids';
import type { EngineQuestions } from '@bellows/operations/ports/engine';
import type { HostRef } from '@bellows/operations/ports/host-driver';
import { passageHeaders, type Question } from '../proxy/passage.js';
import { containersRecord, machineRecord, sense } from './records.js';

const mostBytes = 64 * 1024;

/** Asks the gateway, which reads what the guest says and hands on a small record of it; that is read strictly again. */
export class AskGateway implements EngineQuestions {
  constructor(
    private readonly gateway: { readonly url: string; readonly secret: string },
    /** Who asks, by the name of the process. */
    private readonly principal: string,
  ) {}

  async machine(host: HostRef, instanceId: InstanceId, withinMs: number) {
    const text = await this.#ask('machine', host, instanceId, withinMs);
    return text === null ? null : sense(() => machineRecord(JSON.parse(text)));
  }

  async containers(host: HostRef, instanceId: InstanceId, withinMs: number) {
    const text = await this.#ask('containers', host, instanceId, withinMs);
    return text === null ? null : sense(() => containersRecord(JSON.parse(text)));
  }

  /** The record as it came; null without one in time. */
  #ask(
    question: Question,
    { id, driver, uri }: HostRef,
    instanceId: InstanceId,
    withinMs: number,
  ): Promise<string | null> {
    const { url, secret } = this.gateway;
    const passage = { host: { id, driver, uri }, instanceId, principal: this.principal, question };
    const headers = Object.fromEntries(passageHeaders(passage, secret));
    return new Promise((resolve) => {
      const asked = request(`${url}/`, { headers, agent: false });
      const late = setTimeout(() => give(null), withinMs);
      const give = (text: string | null): void => {
        clearTimeout(late);
        asked.destroy();
        resolve(text);
      };
      asked.on('response', (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          if (text.length > mostBytes) give(null);
        });
        answer.on('end', () => give(answer.statusCode === 200 && answer.complete ? text : null));
        answer.on('error', () => give(null));
      });
      asked.on('error', () => give(null)).end();
    });
  }
}
