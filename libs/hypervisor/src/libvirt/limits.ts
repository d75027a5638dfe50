/** CFS period of the whole guest, in µs. libvirt's own default. */
export const cpuPeriodUs = 100_000;

/** Caps all threads of a guest together: its vCPUs, however many are plugged, and QEMU's own. */
export const cpuQuotaUs = (vcpus: number): number => vcpus * cpuPeriodUs;

/** vCPUs that a quota grants; null where none is set. */
export const vcpusOfQuota = (quotaUs: number | undefined, periodUs: number | undefined): number | null =>
  quotaUs === undefined || quotaUs <= 0 || !periodUs ? null : Math.ceil(quotaUs / periodUs);

/** QEMU's memory cgroup: the guest's memory and what QEMU itself needs. */
export const memoryLimitKib = (ramMib: number, overheadMib: number): number => (ramMib + overheadMib) * 1024;

/** libvirt shows "no limit" as 2^53 - 1 KiB and other huge numbers. */
const unlimitedKib = 2 ** 50;

/** Memory that a limit grants the guest; null where none is set. */
export const ramMibOfLimit = (hardLimitKib: number | undefined, overheadMib: number): number | null =>
  hardLimitKib === undefined || hardLimitKib <= 0 || hardLimitKib >= unlimitedKib
    ? null
    : Math.max(0, Math.ceil(hardLimitKib / 1024) - overheadMib);
