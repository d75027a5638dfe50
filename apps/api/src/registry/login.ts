const longest = 2_048;

/**
 * The secret a docker client sends: a token as the password of any user (RFC 7617), or as a bearer.
 * @returns undefined when nothing was sent, null when it can be no token.
 */
export function secretOf(authorization: string | undefined): string | null | undefined {
  if (authorization === undefined) return undefined;
  const [, scheme = '', value = ''] = /^(basic|bearer) +([\x21-\x7e]+) *$/i.exec(authorization) ?? [];
  if (value.length > longest) return null;
  const secret =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString('latin1')
          .replace(/^[^:]*:?/, '')
      : value;
  return /^[\x21-\x7e]{1,512}$/.test(secret) ? secret : null;
}
