import type { EngineContainer, EngineMachine } from '@bellows/operations/ports/engine';
import { getJson, type OpenEngine } from './get-json.js';
import {
  containerId,
  containerName,
  fields,
  list,
  mostContainers,
  mostCpus,
  mostMib,
  Nonsense,
  number,
  whole,
} from './records.js';

/**
 * The cloud's questions, put to the engine in a guest in its own API (1.41 or later: `one-shot`). Runs where guest
 * bytes may be read.
 */

const mebibyte = 1024 * 1024;
const mostInfoBytes = 256 * 1024;
const mostListBytes = mebibyte;
const mostInspectBytes = 512 * 1024;
const mostStatsBytes = 128 * 1024;
/** So many are looked at to find one without limits. */
const mostLookedAt = 4;
/** So many are asked for at once. */
const atOnce = 4;

interface Listed {
  readonly id: string;
  readonly name: string;
}

/** One engine, for the time of one question. */
export class EngineAnswers {
  constructor(
    private readonly open: OpenEngine,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws Nonsense */
  async machine(): Promise<EngineMachine> {
    const about = this.#get('/info', mostInfoBytes).then(machineIn);
    const [machine, container] = await Promise.all([about, this.#freeContainer()]);
    return { ...machine, container };
  }

  /** @throws Nonsense */
  async containers(): Promise<readonly EngineContainer[]> {
    const running = await this.#running();
    if (running.length > mostContainers) throw new Nonsense('too many containers');
    const found: (EngineContainer | null)[] = [];
    for (let at = 0; at < running.length; at += atOnce) {
      found.push(...(await Promise.all(running.slice(at, at + atOnce).map((one) => this.#promised(one)))));
    }
    return found.filter((one) => one !== null);
  }

  /**
   * What a running container sees that nothing is set for. Its memory is not asked for: dockerd fills the limit of such
   * a container in from the MemTotal it read when it started (moby daemon/stats_collector.go), so that after a live
   * resize it is the old one, while the container itself sees the machine's.
   */
  async #freeContainer(): Promise<EngineMachine['container']> {
    for (const one of (await this.#running()).slice(0, mostLookedAt)) {
      const promised = await this.#promised(one);
      if (!promised || promised.ramMib !== null || promised.cpus !== null || promised.cpuset !== null)
        continue;
      const stats = await this.#get(`/containers/${one.id}/stats?stream=false&one-shot=true`, mostStatsBytes);
      const { online_cpus: online } = fields(fields(stats)['cpu_stats']);
      // Nothing online: it has ended meanwhile.
      if (online === undefined || online === 0) continue;
      return { name: one.name, cpus: whole(online, 0, mostCpus) };
    }
    return null;
  }

  async #running(): Promise<Listed[]> {
    return list(await this.#get('/containers/json', mostListBytes), 10_000).map((one) => {
      const { Id, Names } = fields(one);
      const id = containerId(Id);
      return { id, name: containerName(Array.isArray(Names) ? Names[0] : '', id) };
    });
  }

  /** Null when it has gone meanwhile. */
  async #promised({ id, name }: Listed): Promise<EngineContainer | null> {
    const inspected = await this.#get(`/containers/${id}/json`, mostInspectBytes).catch((error: unknown) => {
      if (error instanceof Nonsense && !this.signal.aborted) return null;
      throw error;
    });
    if (inspected === null) return null;
    return { id, name, ...promisesIn(fields(fields(inspected)['HostConfig'])) };
  }

  #get(path: string, mostBytes: number): Promise<unknown> {
    return getJson(this.open, { path, mostBytes }, this.signal);
  }
}

function machineIn(info: unknown): Omit<EngineMachine, 'container'> {
  const { NCPU, MemTotal, CgroupVersion } = fields(info);
  return {
    cpus: whole(NCPU, 0, mostCpus),
    memTotalMib: Math.floor(number(MemTotal, 0, mostMib * mebibyte) / mebibyte),
    cgroups: CgroupVersion === '1' ? 1 : 2,
  };
}

/** Docker writes 0 or an empty text for what is not set. */
function promisesIn(config: Readonly<Record<string, unknown>>): Omit<EngineContainer, 'id' | 'name'> {
  const set = (name: string): number => number(config[name] ?? 0, -1, Number.MAX_SAFE_INTEGER);
  const quota = set('CpuQuota') > 0 ? set('CpuQuota') / (set('CpuPeriod') || 100_000) : 0;
  const cpus = set('NanoCpus') > 0 ? set('NanoCpus') / 1e9 : quota;
  const ramMib = set('Memory') / mebibyte;
  return {
    ramMib: ramMib > 0 ? Math.min(ramMib, mostMib) : null,
    cpus: cpus > 0 ? Math.min(cpus, mostCpus) : null,
    cpuset: cpusNeeded(config['CpusetCpus'] ?? ''),
  };
}

/** `0-1,3` needs four CPUs. Kernel form: cpuset(7). Null when nothing is named. */
function cpusNeeded(cpuset: unknown): number | null {
  if (typeof cpuset !== 'string' || cpuset.length > 1024) throw new Nonsense('not a list of CPUs');
  const last = (cpuset.match(/\d{1,5}/g) ?? []).map(Number);
  return last.length === 0 ? null : Math.min(Math.max(...last) + 1, mostCpus);
}
