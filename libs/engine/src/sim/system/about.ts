import type { Engine } from '../engine.js';
import { kernelRelease } from '../programs/proc.js';
import { newestVersion, oldestVersion } from '../http/router.js';
import { rfc3339Nano } from '../world.js';

/** The engine it is modelled on; the suffix says that this is not it. */
export const serverVersion = '26.1.5-sim';
export const systemName = 'Bellows simulator';

/** `Builder-Version: 1` has clients use the classic builder. */
export const pingHeaders = {
  'Api-Version': String(newestVersion),
  'Builder-Version': '1',
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Pragma: 'no-cache',
  Swarm: 'inactive',
};

/** `GET /version` */
export function versionJson(): object {
  const details = {
    ApiVersion: String(newestVersion),
    Arch: 'amd64',
    BuildTime: '2026-01-01T00:00:00.000000000+00:00',
    Experimental: 'false',
    GitCommit: 'simulated',
    GoVersion: 'none',
    KernelVersion: kernelRelease,
    MinAPIVersion: String(oldestVersion),
    Os: 'linux',
  };
  return {
    Platform: { Name: systemName },
    Components: [
      { Name: 'Engine', Version: serverVersion, Details: details },
      {
        Name: 'Simulator',
        Version: '1',
        Details: { GitCommit: 'none: containers, processes and files are modelled' },
      },
    ],
    Version: serverVersion,
    ApiVersion: String(newestVersion),
    MinAPIVersion: String(oldestVersion),
    GitCommit: 'simulated',
    GoVersion: 'none',
    Os: 'linux',
    Arch: 'amd64',
    KernelVersion: kernelRelease,
    BuildTime: '2026-01-01T00:00:00.000000000+00:00',
  };
}

/** What never changes of `GET /info`. */
const constantInfo = {
  Driver: 'overlay2',
  DriverStatus: [
    ['Backing Filesystem', 'modelled in memory'],
    ['Supports d_type', 'true'],
  ],
  Plugins: {
    Volume: ['local'],
    Network: ['bridge', 'host', 'null'],
    Authorization: null,
    Log: ['json-file'],
  },
  ...{
    MemoryLimit: true,
    SwapLimit: true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
  },
  ...{ PidsLimit: true, IPv4Forwarding: true, BridgeNfIptables: true, BridgeNfIp6tables: true },
  ...{ Debug: false, NFd: 0, OomKillDisable: false, NGoroutines: 0, NEventsListener: 0 },
  ...{ LoggingDriver: 'json-file', CgroupDriver: 'cgroupfs', CgroupVersion: '2' },
  KernelVersion: kernelRelease,
  OperatingSystem: systemName,
  OSVersion: '1',
  OSType: 'linux',
  Architecture: 'x86_64',
  IndexServerAddress: 'https://index.docker.io/v1/',
  RegistryConfig: {
    AllowNondistributableArtifactsCIDRs: null,
    AllowNondistributableArtifactsHostnames: null,
    InsecureRegistryCIDRs: ['127.0.0.0/8'],
    IndexConfigs: { 'docker.io': { Name: 'docker.io', Mirrors: [], Secure: true, Official: true } },
    Mirrors: null,
  },
  GenericResources: null,
  DockerRootDir: '/var/lib/docker',
  ...{ HttpProxy: '', HttpsProxy: '', NoProxy: '' },
  Labels: ['bellows.simulated=true'],
  ExperimentalBuild: false,
  ServerVersion: serverVersion,
  Runtimes: { runc: { path: 'modelled' } },
  DefaultRuntime: 'runc',
  Swarm: {
    NodeID: '',
    NodeAddr: '',
    LocalNodeState: 'inactive',
    ControlAvailable: false,
    Error: '',
    RemoteManagers: null,
  },
  ...{ LiveRestoreEnabled: false, Isolation: '', InitBinary: 'docker-init' },
  ContainerdCommit: { ID: 'simulated', Expected: 'simulated' },
  RuncCommit: { ID: 'simulated', Expected: 'simulated' },
  InitCommit: { ID: 'simulated', Expected: 'simulated' },
  SecurityOptions: ['name=cgroupns'],
  KernelMemoryTCP: true,
  CDISpecDirs: [],
  Warnings: [
    'This engine is simulated by Bellows: containers, processes and files are modelled, nothing is run.',
  ],
};

/** `GET /info`; NCPU and MemTotal are the instance's size now. */
export function infoJson(engine: Engine): object {
  const { vcpus, ramMib } = engine.world.size();
  const containers = [...engine.containers.values()];
  const count = (status: string) => containers.filter(({ state }) => state.status === status).length;
  const [running, paused] = [count('running'), count('paused')];
  return {
    ID: engine.id,
    Containers: containers.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: containers.length - running - paused,
    Images: engine.images.images.size,
    ...constantInfo,
    SystemTime: rfc3339Nano(engine.now()),
    NCPU: vcpus,
    MemTotal: ramMib * 1024 * 1024,
    Name: engine.world.hostname,
  };
}
