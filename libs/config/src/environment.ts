import { isIP } from 'node:net';
import { IsIP, IsIn, IsOptional, Matches, MinLength, ValidateBy } from 'class-validator';
import { hostSourcesExpected, parseHostSources } from './host-sources.js';

/** Holds when the text is a number (digits, at most one point) between the bounds. */
const NumberText = (min: number, max: number, whole: boolean, message: string) =>
  ValidateBy(
    {
      name: 'numberText',
      validator: {
        validate: (text: unknown) =>
          typeof text === 'string' &&
          (whole ? /^\d{1,9}$/ : /^\d{1,9}(\.\d{1,9})?$/).test(text) &&
          Number(text) >= min &&
          Number(text) <= max,
      },
    },
    { message },
  );

const PortOrOff = (message: string) =>
  ValidateBy(
    {
      name: 'portOrOff',
      validator: {
        validate: (text: unknown) =>
          typeof text === 'string' && (text === 'off' || (/^\d{1,5}$/.test(text) && Number(text) <= 65_535)),
      },
    },
    { message },
  );

const hostNameForm = /^(?=.{1,253}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/;
const HostText = (message: string) =>
  ValidateBy(
    {
      name: 'hostText',
      validator: {
        validate: (text: unknown) => typeof text === 'string' && (isIP(text) > 0 || hostNameForm.test(text)),
      },
    },
    { message },
  );

const UrlText = (protocols: readonly string[], message: string) =>
  ValidateBy(
    {
      name: 'urlText',
      validator: {
        validate: (text: unknown) =>
          typeof text === 'string' && URL.canParse(text) && protocols.includes(new URL(text).protocol),
      },
    },
    { message },
  );

const HostSources = () =>
  ValidateBy(
    {
      name: 'hostSources',
      validator: {
        validate: (text: unknown) => typeof text === 'string' && parseHostSources(text) !== null,
      },
    },
    { message: hostSourcesExpected },
  );

/** Never repeated in an error: they carry passwords. */
export const secretVariables: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'REDIS_URL',
  'BELLOWS_ADMIN_TOKEN',
  'BELLOWS_FLEET_SECRET',
  'BELLOWS_GATEWAY_SECRET',
  'BELLOWS_REGISTRY_SECRET',
]);

/** The environment as text; each `message` completes the sentence "… ; expected". */
export class Environment {
  static readonly names = [
    'BELLOWS_HOME',
    'BELLOWS_BIND',
    'BELLOWS_PORT',
    'BELLOWS_HOSTS',
    'DATABASE_URL',
    'REDIS_URL',
    'BELLOWS_ADMIN_TOKEN',
    'BELLOWS_SIM_LATENCY',
    'BELLOWS_TLS_CERT',
    'BELLOWS_TLS_KEY',
    'BELLOWS_DOCKER_PORT',
    'BELLOWS_DOCKER_HOST',
    'BELLOWS_FLEET_URL',
    'BELLOWS_FLEET_SECRET',
    'BELLOWS_GATEWAY_URL',
    'BELLOWS_GATEWAY_SECRET',
    'BELLOWS_ENGINE_EVENTS',
    'BELLOWS_REGISTRY_URL',
    'BELLOWS_REGISTRY_SECRET',
    'BELLOWS_REGISTRY_KEY',
    'BELLOWS_REGISTRY_CA',
    'BELLOWS_REGISTRY_ADDRESSES',
    'BELLOWS_REGISTRY_PORT',
    'BELLOWS_REGISTRY_BIND',
    'BELLOWS_RATE_LIMIT',
    'BELLOWS_LOG_LEVEL',
    'BELLOWS_WORKER_PORT',
    'BELLOWS_WORKER_CONCURRENCY',
    'BELLOWS_WORKER_LEASE_MS',
  ] as const;

  @IsOptional()
  @Matches(/^[^\0]+$/, { message: 'a folder' })
  BELLOWS_HOME?: string;

  @IsOptional()
  @IsIP(undefined, { message: 'an IP address to listen on, such as 127.0.0.1 or 0.0.0.0' })
  BELLOWS_BIND?: string;

  @IsOptional()
  @NumberText(0, 65_535, true, 'a TCP port, 0 to 65535 (0 picks a free one)')
  BELLOWS_PORT?: string;

  @IsOptional()
  @HostSources()
  BELLOWS_HOSTS?: string;

  @IsOptional()
  @UrlText(['postgres:', 'postgresql:'], 'a URL such as postgres://user:password@host:5432/database')
  DATABASE_URL?: string;

  @IsOptional()
  @UrlText(['redis:', 'rediss:'], 'a URL such as redis://host:6379/0')
  REDIS_URL?: string;

  @IsOptional()
  @MinLength(16, { message: 'at least 16 characters that nobody can guess' })
  @Matches(/^[\x21-\x7e]+$/, { message: 'printable ASCII characters without blanks' })
  BELLOWS_ADMIN_TOKEN?: string;

  @IsOptional()
  @NumberText(0, 1000, false, 'a factor from 0 (no latency) to 1000, such as 1 or 0.1')
  BELLOWS_SIM_LATENCY?: string;

  @IsOptional()
  @Matches(/^[^\0]+$/, { message: 'the path of a PEM file' })
  BELLOWS_TLS_CERT?: string;

  @IsOptional()
  @Matches(/^[^\0]+$/, { message: 'the path of a PEM file' })
  BELLOWS_TLS_KEY?: string;

  @IsOptional()
  @PortOrOff('a TCP port, 0 to 65535 (0 picks a free one), or off')
  BELLOWS_DOCKER_PORT?: string;

  @IsOptional()
  @HostText('a host name or an IP address, without a port')
  BELLOWS_DOCKER_HOST?: string;

  @IsOptional()
  @UrlText(['http:', 'unix:'], 'where the modelled fleet is: http://HOST:PORT or unix:PATH')
  BELLOWS_FLEET_URL?: string;

  @IsOptional()
  @MinLength(16, { message: 'at least 16 characters that nobody can guess' })
  BELLOWS_FLEET_SECRET?: string;

  @IsOptional()
  @UrlText(['http:'], 'where the gateway into the guests is: http://HOST:PORT')
  BELLOWS_GATEWAY_URL?: string;

  @IsOptional()
  @MinLength(16, { message: 'at least 16 characters that nobody can guess' })
  @Matches(/^[\x21-\x7e]+$/, { message: 'printable ASCII characters without blanks' })
  BELLOWS_GATEWAY_SECRET?: string;

  @IsOptional()
  @Matches(/^(on|off)$/, { message: 'on or off' })
  BELLOWS_ENGINE_EVENTS?: string;

  @IsOptional()
  @UrlText(['http:'], "where the registry's keeper listens: http://HOST:PORT")
  BELLOWS_REGISTRY_URL?: string;

  @IsOptional()
  @MinLength(16, { message: 'at least 16 characters that nobody can guess' })
  @Matches(/^[\x21-\x7e]+$/, { message: 'printable ASCII characters without blanks' })
  BELLOWS_REGISTRY_SECRET?: string;

  @IsOptional()
  @Matches(/^[^\0]+$/, { message: 'the path of the PEM file of the key that signs tokens of the registry' })
  BELLOWS_REGISTRY_KEY?: string;

  @IsOptional()
  @Matches(/^[^\0]+$/, { message: "the path of the PEM file of the registry's authority" })
  BELLOWS_REGISTRY_CA?: string;

  @IsOptional()
  @Matches(/^[\w.:[\]-]+(,[\w.:[\]-]+)*$/, { message: 'HOST:PORT of the registry, several parted by commas' })
  BELLOWS_REGISTRY_ADDRESSES?: string;

  @IsOptional()
  @NumberText(0, 65_535, true, 'a TCP port, 0 to 65535 (0 picks a free one)')
  BELLOWS_REGISTRY_PORT?: string;

  @IsOptional()
  @Matches(/^[\d.:a-f]+( *, *[\d.:a-f]+)*$/i, { message: 'IP addresses to listen on, separated by commas' })
  BELLOWS_REGISTRY_BIND?: string;

  @IsOptional()
  @NumberText(0, 1_000_000, true, 'requests a second for each token, 0 to 1000000 (0 switches the limit off)')
  BELLOWS_RATE_LIMIT?: string;

  @IsOptional()
  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    message: 'one of fatal, error, warn, info, debug, trace, silent',
  })
  BELLOWS_LOG_LEVEL?: string;

  @IsOptional()
  @NumberText(0, 65_535, true, 'a TCP port, 0 to 65535 (0 picks a free one)')
  BELLOWS_WORKER_PORT?: string;

  @IsOptional()
  @NumberText(1, 10_000, true, 'how many operations one worker runs at once, 1 to 10000')
  BELLOWS_WORKER_CONCURRENCY?: string;

  @IsOptional()
  @NumberText(1000, 600_000, true, 'milliseconds from 1000 to 600000')
  BELLOWS_WORKER_LEASE_MS?: string;
}
