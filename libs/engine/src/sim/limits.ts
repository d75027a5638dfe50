/** The client is a stranger: what one modelled engine keeps, and what one request may bring, is bounded. */
export const limits = {
  containers: 100,
  images: 1000,
  networks: 30,
  volumes: 100,
  execsKept: 200,
  processesPerContainer: 128,
  processesPerEngine: 256,
  /** Bytes and entries of all modelled files of one engine, images and volumes included. */
  fileBytes: 128 * 1024 * 1024,
  fileEntries: 50_000,
  /** Of one file. */
  oneFileBytes: 32 * 1024 * 1024,
  /** A build context, an archive to load, import or copy in; packed, and again unpacked. */
  archiveBytes: 64 * 1024 * 1024,
  /** Bodies of all requests under way together. */
  uploadBytes: 160 * 1024 * 1024,
  /** A JSON body. */
  bodyBytes: 1024 * 1024,
  logBytesPerContainer: 1024 * 1024,
  eventsKept: 1000,
  /** What a stream to a client may hold unread before the process behind it waits. */
  unreadBytes: 256 * 1024,
  streamsPerEngine: 512,
} as const;
