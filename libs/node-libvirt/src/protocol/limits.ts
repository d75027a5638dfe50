/** Limits of libvirt's own protocol text (src/remote/remote_protocol.x, src/rpc/virnetprotocol.x, 9.0). */
export const Limits = {
  /** A whole message, length word included. */
  messageBytes: 33_554_432 + 4,
  headerBytes: 28,
  stringBytes: 4_194_304,
  /** What libvirt itself puts in one stream packet; a larger one is refused by old peers. */
  streamPacketBytes: 262_120,
  domains: 16_384,
  pools: 16_384,
  volumes: 16_384,
  nwfilters: 16_384,
  authTypes: 20,
  schedulerParameters: 16,
  memoryParameters: 16,
  blockIoTuneParameters: 32,
  memoryStats: 1_024,
  nodeMemoryStats: 16,
  domainStatsParameters: 262_144,
  guestInfoParameters: 2_048,
  guestVcpuParameters: 64,
} as const;
