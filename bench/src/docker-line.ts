import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const block = 512;

/** A tar archive with one file of so many zero bytes, as a stream that costs next to nothing. */
export function* zeros(bytes: number): Generator<Buffer> {
  yield header('zeros', bytes);
  const chunk = Buffer.alloc(64 * 1024);
  for (let left = Math.ceil(bytes / block) * block; left > 0; left -= chunk.length)
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
  yield Buffer.alloc(2 * block);
}

/** The ustar header, POSIX.1-1988. */
function header(name: string, bytes: number): Buffer {
  const head = Buffer.alloc(block);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  head.write(name, 0);
  head.write(octal(0o644, 8), 100);
  head.write(octal(0, 8), 108);
  head.write(octal(0, 8), 116);
  head.write(octal(bytes, 12), 124);
  head.write(octal(0, 12), 136);
  head.write('        ', 148);
  head.write('0', 156);
  head.write('ustar\x0000', 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return head;
}

/** One way to a Docker Engine: each call a connection of its own, as each command of the CLI makes one. */
export class DockerLine {
  constructor(
    private readonly base: string,
    private readonly token?: string,
  ) {}

  /** Until it answers, at most four minutes. */
  async ready(): Promise<void> {
    for (const until = Date.now() + 240_000; ; await sleep(1_000)) {
      const answer = await this.#answer('GET', '/version').catch(() => null);
      if (answer?.statusCode === 200) return void (await drained(answer));
      answer?.resume();
      if (Date.now() > until) throw new Error(`no engine at ${this.base}`);
    }
  }

  /** Starts a container of `sh -c SCRIPT`; its id. */
  async runs(image: string, script: string): Promise<string> {
    const body = JSON.stringify({ Image: image, Cmd: ['sh', '-c', script] });
    const made = await this.#answer('POST', '/containers/create', Readable.from([body]), 'application/json');
    const { Id } = JSON.parse((await drained(made)).toString()) as { Id: string };
    await drained(await this.#answer('POST', `/containers/${Id}/start`));
    return Id;
  }

  /** Milliseconds of a GET, its answer read. */
  took(path: string): Promise<number> {
    return timed(async () => {
      const answer = await this.#answer('GET', path);
      await drained(answer);
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode}`);
    });
  }

  uploads(container: string, archive: Iterable<Buffer>): Promise<number> {
    return timed(async () => {
      const path = `/containers/${container}/archive?path=/`;
      const answer = await this.#answer('PUT', path, Readable.from(archive), 'application/x-tar');
      await drained(answer);
      if (answer.statusCode !== 200) throw new Error(`upload: ${answer.statusCode}`);
    });
  }

  downloads(container: string): Promise<number> {
    return timed(async () => {
      const answer = await this.#answer('GET', `/containers/${container}/archive?path=/zeros`);
      let bytes = 0;
      for await (const part of answer) bytes += (part as Buffer).length;
      if (bytes < 100 * 1024 * 1024) throw new Error(`download: ${bytes} bytes`);
    });
  }

  /** `logs -f`, from now on. */
  async follows(container: string): Promise<{ lines: () => number; end: () => void }> {
    const answer = await this.#answer('GET', `/containers/${container}/logs?follow=1&stdout=1&tail=0`);
    let lines = 0;
    answer.on('data', (part: Buffer) => (lines += part.toString('latin1').split('\n').length - 1));
    answer.on('error', () => undefined);
    return { lines: () => lines, end: () => answer.destroy() };
  }

  #answer(method: string, path: string, body?: Readable, type?: string): Promise<IncomingMessage> {
    const headers = {
      ...(this.token && { authorization: `Bearer ${this.token}` }),
      ...(type && { 'content-type': type }),
    };
    return new Promise((resolve, reject) => {
      const asked: ClientRequest = request(this.base + path, { method, headers, agent: false }, resolve);
      asked.on('error', reject);
      if (body) pipeline(body, asked).catch(reject);
      else asked.end();
    });
  }
}

async function drained(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
