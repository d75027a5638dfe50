export interface Payload {
  readonly name: string;
  /** Latin-1, as it goes over the wire. */
  readonly bytes: string;
}

export interface Target {
  readonly token: string;
  readonly instance: string;
  readonly path: (rest: string) => string;
}

type Make = (target: Target) => Payload[];

/** Where ours reads it as a request of its own it is refused for its path: only a smuggled one is ever seen. */
const hidden = (target: Target) =>
  `GET ${target.path('/smuggled/..')} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: smuggled\r\n\r\n`;
const hiddenForOthers = 'GET /smuggled/.. HTTP/1.1\r\nHost: x\r\n\r\n';

const request = (
  { token }: Target,
  line: string,
  headers: readonly string[] = [],
  body = '',
  host = 'Host: x',
): string => [line, host, `Authorization: Bearer ${token}`, ...headers, '', body].join('\r\n');

const dots = [
  ...[
    '..',
    '.',
    '%2e%2e',
    '%2E%2E',
    '%2e.',
    '.%2e',
    '.%2E',
    '%2e',
    '..;',
    '..;a=b',
    '%2e%2e;x',
    '..%00',
    '..%20',
  ],
  ...['%20..', '..%09', '..%5c', '..\\', '..%2f', '%2e%2e%2f', '%2e%2e%5c', '%252e%252e', '%25252e%25252e'],
  ...['%c0%ae%c0%ae', '%e0%80%ae%e0%80%ae', '%ef%bc%8e%ef%bc%8e', '%uff0e%uff0e', '..%c0%af', '..%ef%bc%8f'],
  ...['..%0d%0a', '%2e%2e%23', '%2e%2e%3f', '..#', '..%ff', '%2e%2e//'],
];
const traversal: Make = (target) =>
  dots.flatMap((dot) =>
    [
      `/${dot}/victim`,
      `/containers/${dot}/${dot}/victim`,
      `/v1.45/${dot}/json`,
      `/images/a/${dot}`,
      `/${dot}${dot}/info`,
      `//${dot}/victim`,
    ].map((rest) => ({
      name: `path ${rest}`,
      bytes: request(target, `GET ${target.path(rest)} HTTP/1.1`, ['Connection: close']),
    })),
  );

const identities: Make = (target) => {
  const { instance } = target;
  const ids = [
    ...[
      `${instance}%2f..%2fvictim`,
      `${instance}%2fdocker%2fsmuggled`,
      `..%2f${instance}`,
      `%2e%2e`,
      '..',
      '.',
    ],
    ...[instance.toUpperCase(), instance.replace('-', '%2d'), `%69${instance.slice(1)}`, `${instance};x`, ''],
    ...[`${instance}%00`, `${instance}%20`, `${instance}/..`, `${instance}/../${instance}`, `${instance}//`],
    ...[
      `${instance}?`,
      `${instance}%3f`,
      `${instance}#`,
      `${instance}%23`,
      'i-victimvictimvictimvi',
      '*',
      '%',
    ],
  ];
  return ids.flatMap((id) =>
    ['/info', '/../smuggled', '/v1.45/../../smuggled'].map((rest) => ({
      name: `id ${id} ${rest}`,
      bytes: request(
        target,
        `GET /v1/instances/${id}/docker${rest === '/info' ? '/smuggled/..' : rest} HTTP/1.1`,
      ),
    })),
  );
};

const encodings = [
  ...[
    'chunked',
    'Chunked',
    'chunked, chunked',
    'chunked,identity',
    'identity, chunked',
    'identity',
    'xchunked',
  ],
  ...[
    'chunkedx',
    '"chunked"',
    ' chunked',
    '\tchunked',
    'chunked\t',
    '\x0bchunked',
    'chunked;q=1',
    'gzip',
    'gzip, chunked',
  ],
  ...['chunked, gzip', '', 'chunk', 'cow', 'chunked\x00', '\xa0chunked', 'chunked ,', ', chunked'],
];
const lengths = ['0', '4', '6', '+4', '4, 4', '-1'];
const framing: Make = (target) =>
  encodings.flatMap((encoding) =>
    lengths.flatMap((length) => {
      const te = `Transfer-Encoding: ${encoding}`;
      const cl = `Content-Length: ${length}`;
      const body = `0\r\n\r\n${hiddenForOthers}`;
      const line = `POST ${target.path('/build')} HTTP/1.1`;
      return [
        [te, cl],
        [cl, te],
      ].map((headers) => ({
        name: `framing ${headers.join(' + ')}`,
        bytes: request(target, line, headers, body),
      }));
    }),
  );

const lengthForms: Make = (target) =>
  [
    ...[
      'Content-Length: 4\r\nContent-Length: 5',
      'Content-Length: 4\r\nContent-Length: 4',
      'Content-Length: 4,5',
    ],
    ...[
      'Content-Length: 0x4',
      'Content-Length: 4e0',
      'Content-Length: 4.0',
      'Content-Length: ',
      'Content-Length: a',
    ],
    ...[
      'Content-Length : 4',
      ' Content-Length: 4',
      'Content-Length:\r\n 4',
      'Content_Length: 4\r\nContent-Length: 0',
    ],
    ...[
      'Content-Length: 99999999999999999999',
      'Content-Length: -0',
      'Content-Length: \x0b4',
      'Content-Length: 4\x00',
    ],
    ...['Transfer-Encoding : chunked', 'Transfer-Encoding\t: chunked', 'Transfer-Encoding:\r\n chunked'],
    ...['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', 'X: y\nTransfer-Encoding: chunked'],
    ...['X: y\rTransfer-Encoding: chunked', 'Transfer\x00-Encoding: chunked', 'Transfer_Encoding: chunked'],
  ].map((headers) => ({
    name: `length ${JSON.stringify(headers)}`,
    bytes: request(
      target,
      `POST ${target.path('/build')} HTTP/1.1`,
      [headers],
      `0\r\n\r\n${hiddenForOthers}`,
    ),
  }));

const chunks = [
  ...[
    '0\r\n\r\n',
    '0;ext=smug\r\n\r\n',
    '00000\r\n\r\n',
    '0 \r\n\r\n',
    '0x0\r\n\r\n',
    '-0\r\n\r\n',
    '\r\n\r\n',
    '0\n\n',
  ],
  ...[
    '0\r\nAuthorization: Bearer bws_x\r\nX-Forwarded-For: victim\r\n\r\n',
    '0\r\nContent-Length: 50\r\n\r\n',
  ],
  ...[
    '0\r\nTransfer-Encoding: chunked\r\n\r\n',
    '1\r\nab\r\n0\r\n\r\n',
    '1\r\na0\r\n\r\n',
    'fffffffffffffffff\r\na\r\n0\r\n\r\n',
  ],
  ...[
    '1;\r\na\r\n0\r\n\r\n',
    '1\r\na\n0\r\n\r\n',
    '1\na\r\n0\r\n\r\n',
    '1;a\nb\r\na\r\n0\r\n\r\n',
    ' 1\r\na\r\n0\r\n\r\n',
    'g\r\n\r\n',
  ],
];
const chunking: Make = (target) =>
  chunks.map((body) => ({
    name: `chunks ${JSON.stringify(body)}`,
    bytes: request(
      target,
      `POST ${target.path('/build')} HTTP/1.1`,
      ['Transfer-Encoding: chunked'],
      body + hiddenForOthers,
    ),
  }));

const headerTricks: Make = (target) =>
  [
    ...[
      'X: y\r\n X-Forwarded-For: victim',
      'X: y\nCookie: victim=1',
      'X: y\rCookie: victim=1',
      'Cookie : victim=1',
    ],
    ...[
      ' Cookie: victim=1',
      '\tCookie: victim=1',
      'Cookie\x00: victim',
      'Cookie: a\x00victim',
      ': victim',
      'victim',
    ],
    ...[
      'X-Real-IP: victim\r\nConnection: X-Real-IP',
      'Connection: Host, Authorization',
      'Connection: close, Cookie',
    ],
    ...[
      'Accept: a\x01victim',
      'Accept: a\x7fvictim',
      'Host: victim',
      'Authorization: Bearer victim',
      'hOST: victim',
    ],
    ...['Expect: 100-continue\r\nExpect: victim', 'X-Original-URL: /victim', 'X-Rewrite-URL: /victim'],
    ...[
      'X-HTTP-Method-Override: victim',
      'X-Bellows-Passage: victim',
      'X-Bellows-Code: victim',
      'Max-Forwards: 0',
    ],
  ].map((header) => ({
    name: `header ${JSON.stringify(header)}`,
    bytes: request(target, `GET ${target.path('/info')} HTTP/1.1`, [header]),
  }));

const credentials = [
  ...[
    'Cookie',
    'cookie',
    'COOKIE',
    'Cookie2',
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
  ],
  ...[
    'X-FORWARDED-USER',
    'X-Real-IP',
    'Proxy-Authorization',
    'Proxy-Connection',
    'Origin',
    'Referer',
    'Sec-Fetch-Site',
  ],
  ...[
    'Sec-WebSocket-Key',
    'X-Api-Key',
    'X-Auth-Token',
    'X-Amz-Security-Token',
    'Cf-Access-Jwt-Assertion',
    'X-CSRF-Token',
  ],
  ...['Tailscale-User-Login', 'X-Remote-User', 'Via', 'True-Client-IP', 'X-Bellows-Secret'],
];
const identity: Make = (target) =>
  credentials.flatMap((name) =>
    [`GET ${target.path('/info')} HTTP/1.1`, `DELETE ${target.path('/containers/x')} HTTP/1.1`].map(
      (line) => ({
        name: `credential ${name} ${line.split(' ')[0]}`,
        bytes: request(target, line, [`${name}: bws_victim`, 'Connection: close']),
      }),
    ),
  );

const protocols = [
  ...[
    'websocket',
    'h2',
    'HTTP/2.0',
    'TLS/1.0',
    'tcp, h2c',
    'tcp,websocket',
    'tcp/1',
    'tcp ',
    'udp',
    '',
    'TCP\t',
    'tcp;x',
  ],
  ...['tcp\r\nUpgrade: h2c', 'tcp', 'h2c', 'TCP', 'H2C'],
];
const upgrades: Make = (target) =>
  protocols.flatMap((protocol) =>
    ['Upgrade', 'upgrade, keep-alive', 'keep-alive, Upgrade', 'close'].flatMap((connection) => {
      const line = `POST ${target.path('/exec/1/start')} HTTP/1.1`;
      const headers = [`Connection: ${connection}`, `Upgrade: ${protocol}`];
      return [
        { name: `upgrade ${protocol} ${connection}`, bytes: request(target, line, headers, hiddenForOthers) },
        {
          name: `upgrade ${protocol} ${connection} with a short body`,
          bytes: request(target, line, [...headers, 'Content-Length: 2'], `{}${hidden(target)}`),
        },
      ];
    }),
  );

const lines: Make = (target) => {
  const path = target.path('/listed');
  return [
    ...[
      `GET http://victim${path} HTTP/1.1`,
      `GET //victim${path} HTTP/1.1`,
      `GET ${path}/.. HTTP/2.0`,
      `GET ${path}`,
    ],
    ...[
      `GET ${path} HTTP/0.9`,
      `GET ${path} HTTP/1.1 HTTP/1.1`,
      `GET\t${path}\tHTTP/1.1`,
      `GET  ${path}  HTTP/1.1`,
    ],
    ...[
      `get ${path} HTTP/1.1`,
      `CONNECT victim:443 HTTP/1.1`,
      `TRACE ${path} HTTP/1.1`,
      `OPTIONS * HTTP/1.1`,
    ],
    ...[
      `PATCH ${path} HTTP/1.1`,
      `OPTIONS ${path} HTTP/1.1`,
      `PROPFIND ${path} HTTP/1.1`,
      `GET ${path}\\ HTTP/1.1`,
    ],
    ...[`GET ${path}\x00 HTTP/1.1`, `GET ${path}\x7f HTTP/1.1`, `GET ${path}\xe9 HTTP/1.1`, `PRI * HTTP/2.0`],
    ...[`GET ${path}%0d%0aX:%20victim HTTP/1.1`, `GET ${path}#victim HTTP/1.1`, `GET ${path}%0a HTTP/1.1`],
  ].map((line) => ({ name: `line ${JSON.stringify(line)}`, bytes: request(target, line) }));
};

/** Fit to be carried: a body to every reader. */
const bodies: Make = (target) => {
  const body = hidden(target);
  return ['application/x-tar', 'application/json', 'text/plain', 'message/http'].map((type) => ({
    name: `body ${type}`,
    bytes: request(
      target,
      `POST ${target.path('/images/load')} HTTP/1.1`,
      [`Content-Type: ${type}`, `Content-Length: ${body.length}`, 'Connection: close'],
      body,
    ),
  }));
};

/** Bytes for raw sockets; each tries to have a server behind ours see what ours did not mean. */
export const payloads: Make = (target) =>
  [
    ...[traversal, identities, framing, lengthForms, chunking, headerTricks],
    ...[identity, upgrades, lines, bodies],
  ].flatMap((make) => make(target));
