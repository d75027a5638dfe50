import type { InstanceId } from '@bellows/domain/ids';
import type { EngineQuestions } from '@bellows/operations/ports/engine';
import type { HostRef } from '@bellows/operations/ports/host-driver';
import type { Question } from '../proxy/passage.js';
import { askThroughGateway, type GatewayAddress } from './ask.js';
import { containersRecord, machineRecord, sense } from './records.js';

/** Asks the gateway, which reads what the guest says and hands on a small record of it; that is read strictly again. */
export class AskGateway implements EngineQuestions {
  constructor(
    private readonly gateway: GatewayAddress,
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
    const passage = { host: { id, driver, uri }, instanceId, principal: this.principal, question };
    return askThroughGateway(this.gateway, passage, '/', withinMs);
  }
}
