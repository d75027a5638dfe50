import {
  ImagesUnavailableError,
  type Collection,
  type Images,
  type Repository,
} from '@bellows/operations/ports/images';

const answerWithinMs = 45_000;

/** Asks the process that keeps the registry, over its control port. */
export class RegistryKeeper implements Images {
  constructor(
    private readonly url: string,
    private readonly secret: string,
  ) {}

  async repositories(namespace: string, { limit, after }: { limit: number; after: string | null }) {
    const query = { namespace, limit: String(limit), ...(after !== null && { after }) };
    const { body } = await this.#ask('GET', '/repositories', query, [200]);
    return body as { items: Repository[]; next: string | null };
  }

  async repository(name: string): Promise<Repository | null> {
    const { status, body } = await this.#ask('GET', '/repository', { name }, [200, 404]);
    return status === 200 ? (body as Repository) : null;
  }

  async usedBytes(namespace: string): Promise<number> {
    const { body } = await this.#ask('GET', '/usage', { namespace }, [200]);
    return (body as { usedBytes: number }).usedBytes;
  }

  async remove(repository: string, tag: string | null): Promise<boolean> {
    const query = { name: repository, ...(tag !== null && { tag }) };
    return (await this.#ask('DELETE', '/repositories', query, [200, 404])).status === 200;
  }

  async collect(): Promise<boolean> {
    return (await this.#ask('POST', '/collections', {}, [202, 409])).status === 202;
  }

  async lastCollection(): Promise<Collection | null> {
    return ((await this.#ask('GET', '/collections', {}, [200])).body as { last: Collection | null }).last;
  }

  async #ask(
    method: string,
    path: string,
    query: Record<string, string>,
    expected: readonly number[],
  ): Promise<{ status: number; body: unknown }> {
    try {
      const answer = await fetch(new URL(`${path}?${new URLSearchParams(query).toString()}`, this.url), {
        method,
        headers: { authorization: `Bearer ${this.secret}` },
        signal: AbortSignal.timeout(answerWithinMs),
      });
      const body: unknown = await answer.json();
      if (!expected.includes(answer.status)) {
        throw new Error(`answered ${answer.status}: ${JSON.stringify(body).slice(0, 200)}`);
      }
      return { status: answer.status, body };
    } catch (error) {
      throw new ImagesUnavailableError(`the registry's keeper: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}
