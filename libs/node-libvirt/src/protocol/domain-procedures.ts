import type {
  Domain,
  DomainBlockInfo,
  DomainInfo,
  DomainStateInfo,
  MemoryStats,
  TypedParams,
} from '../types.js';
import {
  boolean,
  followed,
  int32,
  nothing,
  preceded,
  struct,
  uint32,
  uint64,
  uint64Number,
  type Codec,
} from '../xdr/codec.js';
import * as h from './handles.js';
import { Limits } from './limits.js';
import { blockIoTune, memoryParameters, memoryStats, schedulerParameters } from './parameters.js';
import type { BlockIoTune, MemoryParameters, SchedulerParameters } from './parameters.js';
import { proc, qemuProc } from './procedure.js';
import { typedParams } from './typed-params.js';

const domainInfo: Codec<DomainInfo> = struct<DomainInfo>({
  state: uint32,
  maxMemKib: uint64Number,
  memoryKib: uint64Number,
  nrVirtCpu: uint32,
  cpuTimeNs: uint64,
});

const domainState: Codec<DomainStateInfo> = struct<DomainStateInfo>({ state: int32, reason: int32 });

const blockInfo: Codec<DomainBlockInfo> = struct<DomainBlockInfo>({
  allocationBytes: uint64Number,
  capacityBytes: uint64Number,
  physicalBytes: uint64Number,
});

/** Getters of typed parameters are asked for as many as the protocol allows, then told how many there are. */
const upTo = (max: number): Codec<number | undefined> => preceded(int32, max, h.flags);
const counted = <T extends object>(params: Codec<T>): Codec<T> =>
  followed(params, int32, (values) => Object.keys(values).length);

export const domainLifecycleProcedures = {
  domainLookupByName: proc<(name: string) => Domain>(23, [h.text], h.domain),
  domainLookupByUUID: proc<(uuid: string) => Domain>(24, [h.uuid], h.domain),
  domainDefineXML: proc<(xml: string) => Domain>(11, [h.text], h.domain),
  /** @param flags of {@link DomainDefine} */
  domainDefineXMLFlags: proc<(xml: string, flags?: number) => Domain>(350, [h.text, h.flags], h.domain),
  /** Starts a defined domain. @param flags of {@link DomainStart} */
  domainCreateWithFlags: proc<(dom: Domain, flags?: number) => Domain>(196, [h.domain, h.flags], h.domain),
  /** Starts a transient domain. @param flags of {@link DomainStart} */
  domainCreateXML: proc<(xml: string, flags?: number) => Domain>(10, [h.text, h.flags], h.domain),
  /** @param flags of {@link DomainDestroy} */
  domainDestroyFlags: proc<(dom: Domain, flags?: number) => void>(234, [h.domain, h.flags], nothing),
  /** Asks the guest to power off; returns before it has. @param flags of {@link DomainShutdown} */
  domainShutdownFlags: proc<(dom: Domain, flags?: number) => void>(258, [h.domain, h.flags], nothing),
  domainReset: proc<(dom: Domain, flags?: number) => void>(245, [h.domain, h.flags], nothing),
  /** @param flags of {@link DomainReboot} */
  domainReboot: proc<(dom: Domain, flags?: number) => void>(27, [h.domain, h.flags], nothing),
  domainSuspend: proc<(dom: Domain) => void>(34, [h.domain], nothing),
  domainResume: proc<(dom: Domain) => void>(28, [h.domain], nothing),
  /** @param flags of {@link DomainUndefine} */
  domainUndefineFlags: proc<(dom: Domain, flags?: number) => void>(231, [h.domain, h.flags], nothing),
  domainSetAutostart: proc<(dom: Domain, autostart: boolean) => void>(29, [h.domain, boolean], nothing),
  /** @param flags of {@link DomainXML} */
  domainGetXMLDesc: proc<(dom: Domain, flags?: number) => string>(14, [h.domain, h.flags], h.text),
  domainGetInfo: proc<(dom: Domain) => DomainInfo>(16, [h.domain], domainInfo),
  domainGetState: proc<(dom: Domain, flags?: number) => DomainStateInfo>(
    212,
    [h.domain, h.flags],
    domainState,
  ),
  /** `null` removes. @param type a {@link DomainMetadataType} @param key the XML prefix, with ELEMENT only */
  domainSetMetadata: proc<
    (
      dom: Domain,
      type: number,
      metadata: string | null,
      key?: string | null,
      uri?: string | null,
      flags?: number,
    ) => void
  >(
    264,
    [h.domain, int32, h.textOrNull as Codec<string | null>, h.textOrNull, h.textOrNull, h.flags],
    nothing,
  ),
  /** Rejects with NO_DOMAIN_METADATA when there is none. */
  domainGetMetadata: proc<(dom: Domain, type: number, uri?: string | null, flags?: number) => string>(
    265,
    [h.domain, int32, h.textOrNull, h.flags],
    h.text,
  ),
} as const;

export const domainResourceProcedures = {
  /** @param flags of {@link DomainVcpu} */
  domainSetVcpusFlags: proc<(dom: Domain, nvcpus: number, flags?: number) => void>(
    199,
    [h.domain, uint32, h.flags],
    nothing,
  ),
  domainGetVcpusFlags: proc<(dom: Domain, flags?: number) => number>(200, [h.domain, h.flags], int32),
  /** Through the guest agent. @param cpumap such as `0-2,^1` @param state 1 online, 0 offline */
  domainSetGuestVcpus: proc<(dom: Domain, cpumap: string, state: number, flags?: number) => void>(
    372,
    [h.domain, h.text, int32, h.flags],
    nothing,
  ),
  /** Through the guest agent: `vcpus`, `online` and `offlinable`, as cpumaps. */
  domainGetGuestVcpus: proc<(dom: Domain, flags?: number) => TypedParams>(
    371,
    [h.domain, h.flags],
    typedParams(Limits.guestVcpuParameters),
  ),
  /** @param flags of {@link DomainMemory} */
  domainSetMemoryFlags: proc<(dom: Domain, memoryKib: number, flags?: number) => void>(
    204,
    [h.domain, uint64Number, h.flags],
    nothing,
  ),
  domainSetMemoryStatsPeriod: proc<(dom: Domain, periodSeconds: number, flags?: number) => void>(
    308,
    [h.domain, int32, h.flags],
    nothing,
  ),
  domainMemoryStats: proc<(dom: Domain, flags?: number) => MemoryStats>(
    159,
    [h.domain, preceded(uint32, Limits.memoryStats, h.flags)],
    memoryStats,
  ),
  domainGetSchedulerParametersFlags: proc<(dom: Domain, flags?: number) => SchedulerParameters>(
    223,
    [h.domain, upTo(Limits.schedulerParameters)],
    schedulerParameters,
  ),
  domainSetSchedulerParametersFlags: proc<(dom: Domain, params: SchedulerParameters, flags?: number) => void>(
    219,
    [h.domain, schedulerParameters, h.flags],
    nothing,
  ),
  domainGetMemoryParameters: proc<(dom: Domain, flags?: number) => MemoryParameters>(
    198,
    [h.domain, upTo(Limits.memoryParameters)],
    counted(memoryParameters),
  ),
  domainSetMemoryParameters: proc<(dom: Domain, params: MemoryParameters, flags?: number) => void>(
    197,
    [h.domain, memoryParameters, h.flags],
    nothing,
  ),
  /** @param disk target or path; null for the limits that all disks may have */
  domainGetBlockIoTune: proc<(dom: Domain, disk: string | null, flags?: number) => BlockIoTune>(
    253,
    [h.domain, h.textOrNull as Codec<string | null>, upTo(Limits.blockIoTuneParameters)],
    counted(blockIoTune),
  ),
  domainSetBlockIoTune: proc<(dom: Domain, disk: string, params: BlockIoTune, flags?: number) => void>(
    252,
    [h.domain, h.text, blockIoTune, h.flags],
    nothing,
  ),
} as const;

export const domainDeviceProcedures = {
  /** @param flags of {@link DomainDeviceModify} */
  domainAttachDeviceFlags: proc<(dom: Domain, xml: string, flags?: number) => void>(
    160,
    [h.domain, h.text, h.flags],
    nothing,
  ),
  /** Returns when the guest was asked; DEVICE_REMOVED tells when it is gone. */
  domainDetachDeviceFlags: proc<(dom: Domain, xml: string, flags?: number) => void>(
    161,
    [h.domain, h.text, h.flags],
    nothing,
  ),
  /** virtio-mem's requested size is changed with this. */
  domainUpdateDeviceFlags: proc<(dom: Domain, xml: string, flags?: number) => void>(
    174,
    [h.domain, h.text, h.flags],
    nothing,
  ),
  /** @param size KiB, or bytes with {@link DomainBlockResize}.BYTES. A smaller size is carried out as well. */
  domainBlockResize: proc<(dom: Domain, disk: string, size: number, flags?: number) => void>(
    251,
    [h.domain, h.text, uint64Number, h.flags],
    nothing,
  ),
  domainGetBlockInfo: proc<(dom: Domain, disk: string, flags?: number) => DomainBlockInfo>(
    194,
    [h.domain, h.text, h.flags],
    blockInfo,
  ),
  /** Through the guest agent. @param types of {@link DomainGuestInfo}; 0 is all */
  domainGetGuestInfo: proc<(dom: Domain, types?: number, flags?: number) => TypedParams>(
    418,
    [h.domain, h.flags, h.flags],
    typedParams(Limits.guestInfoParameters),
  ),
  /** A raw guest agent command, JSON in and out. @param timeoutSeconds or an {@link AgentTimeout}; BLOCK by default */
  domainQemuAgentCommand: qemuProc<
    (dom: Domain, cmd: string, timeoutSeconds?: number, flags?: number) => string | null
  >(3, [h.domain, h.text, h.int32Or(-2), h.flags], h.textOrNull as Codec<string | null>),
  /** A raw QMP command; marks the domain as tainted. @param flags of {@link QemuMonitorCommand} */
  domainQemuMonitorCommand: qemuProc<(dom: Domain, cmd: string, flags?: number) => string>(
    1,
    [h.domain, h.text, h.flags],
    h.text,
  ),
} as const;
