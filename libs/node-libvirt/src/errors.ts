import { ErrorCode } from './error-codes.js';

/** libvirt answered, and the answer is an error. */
export class LibvirtError extends Error {
  override readonly name = 'LibvirtError';

  constructor(
    /** virErrorNumber; see {@link ErrorCode}. */
    readonly code: number,
    /** virErrorDomain; see ErrorDomain. */
    readonly domain: number,
    /** 1 warning, 2 error. */
    readonly level: number,
    message: string,
    /** The method that was called. */
    readonly procedure: string,
  ) {
    super(message);
  }
}

/** No answer in time. The call may have taken effect, or may yet. */
export class LibvirtTimeoutError extends Error {
  override readonly name = 'LibvirtTimeoutError';

  constructor(
    readonly procedure: string,
    readonly timeoutMs: number,
  ) {
    super(`${procedure}: no answer in ${timeoutMs} ms`);
  }
}

/** There is no connection, or it went away. */
export class LibvirtConnectionError extends Error {
  override readonly name: string = 'LibvirtConnectionError';

  /** @param sent true when the call had been handed to the socket: its outcome is unknown */
  constructor(
    message: string,
    readonly sent = false,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The other side sent what the protocol does not allow; the connection is closed. */
export class LibvirtProtocolError extends LibvirtConnectionError {
  override readonly name = 'LibvirtProtocolError';
}

/** The daemon wants a way of authentication that this client does not have, or refused. */
export class LibvirtAuthError extends LibvirtConnectionError {
  override readonly name = 'LibvirtAuthError';
}

/** Nobody read the stream, and it holds all it may. That stream is aborted; the connection serves on. */
export class LibvirtStreamOverflowError extends Error {
  override readonly name = 'LibvirtStreamOverflowError';

  constructor(
    readonly procedure: string,
    readonly limitBytes: number,
  ) {
    super(`${procedure}: more than ${limitBytes} bytes unread`);
  }
}

const hasCode =
  (...codes: number[]) =>
  (error: unknown): error is LibvirtError =>
    error instanceof LibvirtError && codes.includes(error.code);

export const isNoDomain = hasCode(ErrorCode.NO_DOMAIN);
export const isNoDomainMetadata = hasCode(ErrorCode.NO_DOMAIN_METADATA);
/** Another domain has the name or the uuid. libvirt mostly says OPERATION_FAILED; the test driver DOM_EXIST. */
export const isDomainExists = hasCode(ErrorCode.DOM_EXIST);
export const isNoStoragePool = hasCode(ErrorCode.NO_STORAGE_POOL);
export const isNoStorageVol = hasCode(ErrorCode.NO_STORAGE_VOL);
export const isStorageVolExists = hasCode(ErrorCode.STORAGE_VOL_EXIST);
export const isNoNWFilter = hasCode(ErrorCode.NO_NWFILTER);
/** Not in this state: destroying what is off, starting what runs. */
export const isOperationInvalid = hasCode(ErrorCode.OPERATION_INVALID);
/** libvirt's own time limit, such as another job holding the domain. */
export const isOperationTimeout = hasCode(ErrorCode.OPERATION_TIMEOUT);
/** The driver does not have it, or not in this configuration. */
export const isNoSupport = hasCode(ErrorCode.NO_SUPPORT, ErrorCode.OPERATION_UNSUPPORTED);
export const isConfigUnsupported = hasCode(ErrorCode.CONFIG_UNSUPPORTED);
export const isAgentUnresponsive = hasCode(ErrorCode.AGENT_UNRESPONSIVE);
export const isDeviceMissing = hasCode(ErrorCode.DEVICE_MISSING);
export const isResourceBusy = hasCode(ErrorCode.RESOURCE_BUSY);
export const isXMLError = hasCode(ErrorCode.XML_ERROR, ErrorCode.XML_DETAIL, ErrorCode.XML_INVALID_SCHEMA);
