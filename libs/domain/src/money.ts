/** Money as whole millionths of the currency's unit: no rounding until it is shown. */
export type Micro = bigint;

const scale = 1_000_000n;

/** @param text decimal with at most six places, such as `0.0105`. @throws RangeError on anything else. */
export function micro(text: string): Micro {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) throw new RangeError(`not an amount of money: ${JSON.stringify(text)}`);
  return BigInt(match[1]!) * scale + BigInt((match[2] ?? '').padEnd(6, '0'));
}

/** At least four decimal places, more only when they are not zero. */
export function money(amount: Micro): string {
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(7, '0');
  const places = digits.slice(-6).replace(/0{1,2}$/, '');
  return `${sign}${digits.slice(0, -6)}.${places}`;
}
