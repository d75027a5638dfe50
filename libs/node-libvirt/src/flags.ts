// Numbers of libvirt's public headers (include/libvirt, 9.0), named as there without the prefix.
// Combine with `|`; where 1 << 31 takes part, finish with `>>> 0`.

/** virConnectFlags. */
export const ConnectOpen = {
  RO: 1,
  NO_ALIASES: 2,
} as const;

/** virConnectListAllDomainsFlags. */
export const ConnectListAllDomains = {
  ACTIVE: 1,
  INACTIVE: 2,
  PERSISTENT: 4,
  TRANSIENT: 8,
  RUNNING: 16,
  PAUSED: 32,
  SHUTOFF: 64,
  OTHER: 128,
  MANAGEDSAVE: 256,
  NO_MANAGEDSAVE: 512,
  AUTOSTART: 1024,
  NO_AUTOSTART: 2048,
  HAS_SNAPSHOT: 4096,
  NO_SNAPSHOT: 8192,
  HAS_CHECKPOINT: 16384,
  NO_CHECKPOINT: 32768,
} as const;

/** virConnectGetAllDomainStatsFlags. */
export const ConnectGetAllDomainStats = {
  ACTIVE: 1,
  INACTIVE: 2,
  PERSISTENT: 4,
  TRANSIENT: 8,
  RUNNING: 16,
  PAUSED: 32,
  SHUTOFF: 64,
  OTHER: 128,
  NOWAIT: 0x20000000,
  BACKING: 0x40000000,
  ENFORCE_STATS: 0x8000_0000,
} as const;

/** virDomainStatsTypes. */
export const DomainStats = {
  STATE: 1,
  CPU_TOTAL: 2,
  BALLOON: 4,
  VCPU: 8,
  INTERFACE: 16,
  BLOCK: 32,
  PERF: 64,
  IOTHREAD: 128,
  MEMORY: 256,
  DIRTYRATE: 512,
  VM: 1024,
} as const;

/** virDomainModificationImpact. */
export const DomainAffect = {
  CURRENT: 0,
  LIVE: 1,
  CONFIG: 2,
} as const;

/** virDomainVcpuFlags. */
export const DomainVcpu = {
  CURRENT: 0,
  LIVE: 1,
  CONFIG: 2,
  MAXIMUM: 4,
  GUEST: 8,
  HOTPLUGGABLE: 16,
} as const;

/** virDomainMemoryModFlags. */
export const DomainMemory = {
  CURRENT: 0,
  LIVE: 1,
  CONFIG: 2,
  MAXIMUM: 4,
} as const;

/** virDomainDeviceModifyFlags. */
export const DomainDeviceModify = {
  CURRENT: 0,
  LIVE: 1,
  CONFIG: 2,
  FORCE: 4,
} as const;

/** virDomainXMLFlags. */
export const DomainXML = {
  SECURE: 1,
  INACTIVE: 2,
  UPDATE_CPU: 4,
  MIGRATABLE: 8,
} as const;

/** virDomainDefineFlags. */
export const DomainDefine = {
  VALIDATE: 1,
} as const;

/** virDomainUndefineFlagsValues. */
export const DomainUndefine = {
  MANAGED_SAVE: 1,
  SNAPSHOTS_METADATA: 2,
  NVRAM: 4,
  KEEP_NVRAM: 8,
  CHECKPOINTS_METADATA: 16,
  TPM: 32,
  KEEP_TPM: 64,
} as const;

/** virDomainCreateFlags. */
export const DomainStart = {
  PAUSED: 1,
  AUTODESTROY: 2,
  BYPASS_CACHE: 4,
  FORCE_BOOT: 8,
  VALIDATE: 16,
  RESET_NVRAM: 32,
} as const;

/** virDomainDestroyFlagsValues. */
export const DomainDestroy = {
  DEFAULT: 0,
  GRACEFUL: 1,
  REMOVE_LOGS: 2,
} as const;

/** virDomainShutdownFlagValues. */
export const DomainShutdown = {
  DEFAULT: 0,
  ACPI_POWER_BTN: 1,
  GUEST_AGENT: 2,
  INITCTL: 4,
  SIGNAL: 8,
  PARAVIRT: 16,
} as const;

/** virDomainRebootFlagValues. */
export const DomainReboot = {
  DEFAULT: 0,
  ACPI_POWER_BTN: 1,
  GUEST_AGENT: 2,
  INITCTL: 4,
  SIGNAL: 8,
  PARAVIRT: 16,
} as const;

/** virDomainBlockResizeFlags. */
export const DomainBlockResize = {
  BYTES: 1,
} as const;

/** virDomainConsoleFlags. */
export const DomainConsole = {
  FORCE: 1,
  SAFE: 2,
} as const;

/** virDomainChannelFlags. */
export const DomainChannel = {
  FORCE: 1,
} as const;

/** virDomainGuestInfoTypes. */
export const DomainGuestInfo = {
  USERS: 1,
  OS: 2,
  TIMEZONE: 4,
  HOSTNAME: 8,
  FILESYSTEM: 16,
  DISKS: 32,
  INTERFACES: 64,
} as const;

/** virDomainQemuMonitorCommandFlags. */
export const QemuMonitorCommand = {
  DEFAULT: 0,
  HMP: 1,
} as const;

/** virConnectListAllStoragePoolsFlags. */
export const ConnectListAllStoragePools = {
  INACTIVE: 1,
  ACTIVE: 2,
  PERSISTENT: 4,
  TRANSIENT: 8,
  AUTOSTART: 16,
  NO_AUTOSTART: 32,
  DIR: 64,
  FS: 128,
  NETFS: 256,
  LOGICAL: 512,
  DISK: 1024,
  ISCSI: 2048,
  SCSI: 4096,
  MPATH: 8192,
  RBD: 16384,
  SHEEPDOG: 32768,
  GLUSTER: 0x10000,
  ZFS: 0x20000,
  VSTORAGE: 0x40000,
  ISCSI_DIRECT: 0x80000,
} as const;

/** virStoragePoolBuildFlags. */
export const StoragePoolBuild = {
  NEW: 0,
  REPAIR: 1,
  RESIZE: 2,
  NO_OVERWRITE: 4,
  OVERWRITE: 8,
} as const;

/** virStoragePoolCreateFlags. */
export const StoragePoolCreate = {
  NORMAL: 0,
  WITH_BUILD: 1,
  WITH_BUILD_OVERWRITE: 2,
  WITH_BUILD_NO_OVERWRITE: 4,
} as const;

/** virStoragePoolDeleteFlags. */
export const StoragePoolDelete = {
  NORMAL: 0,
  ZEROED: 1,
} as const;

/** virStorageVolCreateFlags. */
export const StorageVolCreate = {
  PREALLOC_METADATA: 1,
  REFLINK: 2,
  VALIDATE: 4,
} as const;

/** virStorageVolDeleteFlags. */
export const StorageVolDelete = {
  NORMAL: 0,
  ZEROED: 1,
  WITH_SNAPSHOTS: 2,
} as const;

/** virStorageVolResizeFlags. */
export const StorageVolResize = {
  ALLOCATE: 1,
  DELTA: 2,
  SHRINK: 4,
} as const;

/** virStorageXMLFlags. */
export const StorageXML = {
  INACTIVE: 1,
} as const;

/** virDomainQemuAgentCommandTimeoutValues: what may stand in the place of seconds. */
export const AgentTimeout = {
  BLOCK: -2,
  DEFAULT: -1,
  NOWAIT: 0,
  SHUTDOWN: 60,
} as const;

/** Features a driver may have, for connectSupportsFeature (src/libvirt_internal.h). */
export const DriverFeature = {
  PROGRAM_KEEPALIVE: 10,
  REMOTE_EVENT_CALLBACK: 14,
} as const;
