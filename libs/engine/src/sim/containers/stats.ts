import type { Engine } from '../engine.js';
import { rfc3339Nano, zeroTime } from '../world.js';
import { limits } from '../limits.js';
import type { ProcessTable } from '../shell/process.js';
import type { Container } from './container.js';

interface Reading {
  readonly at: number;
  readonly cpuNs: number;
}

function cpuStats(engine: Engine, { at, cpuNs }: Reading): object {
  const { vcpus } = engine.world.size();
  return {
    cpu_usage: {
      total_usage: cpuNs,
      usage_in_kernelmode: Math.floor(cpuNs / 10),
      usage_in_usermode: cpuNs - Math.floor(cpuNs / 10),
    },
    // Of all cores since the engine began: only differences are looked at.
    system_cpu_usage: Math.max(0, at - engine.begunAt) * 1e6 * vcpus,
    online_cpus: vcpus,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  };
}

const nothing = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

function reading(engine: Engine, container: Container): Reading {
  const table = container.run?.table;
  table?.settle();
  return { at: engine.now(), cpuNs: Math.round((table?.cpuMs ?? 0) * 1e6) };
}

const blkio = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

/** Traffic is not modelled: what a fresh interface has seen. */
const traffic = {
  rx_bytes: 866,
  rx_packets: 11,
  rx_errors: 0,
  rx_dropped: 0,
  tx_bytes: 0,
  tx_packets: 0,
  tx_errors: 0,
  tx_dropped: 0,
};

function memoryStats(table: ProcessTable): object {
  const usage = table.memory();
  const stats = { anon: usage, file: 0, inactive_file: 0, active_file: 0, pgfault: 0, pgmajfault: 0 };
  return { usage, stats, limit: table.memoryCeiling() };
}

/** One line of `GET /containers/{id}/stats` after another: each knows the one before it. */
export class StatsReader {
  private before: Reading | null = null;

  constructor(
    private readonly engine: Engine,
    private readonly container: Container,
  ) {}

  next(): object {
    const { engine, container, before } = this;
    const { id, name, hostConfig } = container;
    const table = container.run?.table;
    const rest = { blkio_stats: blkio, num_procs: 0, storage_stats: {}, name: `/${name}`, id };
    if (!table) {
      const never = { read: zeroTime, preread: zeroTime, pids_stats: {}, memory_stats: {} };
      return { ...never, ...rest, cpu_stats: nothing, precpu_stats: nothing };
    }
    const now = reading(engine, container);
    this.before = now;
    const interfaces = [...container.attachments.values()].filter(({ endpoint }) => endpoint?.ip);
    return {
      read: rfc3339Nano(now.at),
      preread: before ? rfc3339Nano(before.at) : zeroTime,
      pids_stats: {
        current: table.processes.size,
        limit: hostConfig.PidsLimit || limits.processesPerContainer,
      },
      ...rest,
      cpu_stats: cpuStats(engine, now),
      precpu_stats: before ? cpuStats(engine, before) : nothing,
      memory_stats: memoryStats(table),
      networks: Object.fromEntries(interfaces.map((_, i) => [`eth${i}`, traffic])),
    };
  }
}

/** `docker top`: the columns of `ps -ef`, or those `-o` asks for are not modelled and these come instead. */
export function processList(container: Container): object {
  const rows = [...(container.run?.table.processes.values() ?? [])].map(
    ({ pid, ppid, argv, start, startedAt, cpuMs }) => {
      const clock = (ms: number) => new Date(ms).toISOString().slice(11, 16);
      const used = new Date(cpuMs).toISOString().slice(11, 19);
      return [
        start.user.name,
        String(1000 + pid),
        String(ppid === 0 ? 999 : 1000 + ppid),
        '0',
        clock(startedAt),
        '?',
        used,
        argv.join(' '),
      ];
    },
  );
  return { Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'], Processes: rows };
}
