import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventTable } from '../events.js';
import type { Codec } from '../xdr/codec.js';
import { XdrError, XdrReader } from '../xdr/reader.js';
import { XdrWriter } from '../xdr/writer.js';
import { errorBody } from './error-body.js';
import type { Procedure } from './procedure.js';
import { procedureTable } from './table.js';

const rows = Object.entries(procedureTable) as [string, Procedure][];
const answers: [string, Codec<unknown>][] = [
  ...rows.map(([name, { ret }]): [string, Codec<unknown>] => [name, ret as Codec<unknown>]),
  ...[...eventTable].map(([number, codec]): [string, Codec<unknown>] => [
    `event ${number}`,
    codec as Codec<unknown>,
  ]),
  ['error', errorBody as Codec<unknown>],
];

/** Small words are what lengths, counts and flags look like: plain random bytes rarely get past the first. */
const words = fc
  .array(fc.oneof(fc.nat({ max: 8 }), fc.nat({ max: 0xffff_ffff })), { maxLength: 64 })
  .map((values) => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, i) => bytes.writeUInt32BE(value, i * 4));
    return bytes;
  });

describe('the procedure table', () => {
  it('gives each procedure one row', () => {
    const numbers = rows.map(([, { program, number }]) => `${program}:${number}`);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it.each(answers)('%s: any bytes are an answer or an XdrError', (_, codec) => {
    fc.assert(
      fc.property(words, (bytes) => {
        try {
          codec.read(new XdrReader(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
        }
      }),
    );
  });

  it.each(answers)('%s: what could be read is written back as it was', (_, codec) => {
    fc.assert(
      fc.property(words, (bytes) => {
        let value: unknown;
        try {
          value = codec.read(new XdrReader(bytes));
        } catch {
          return;
        }
        const writer = new XdrWriter();
        try {
          codec.write(writer, value);
        } catch (error) {
          // Rounded numbers and NULs inside strings are read, and never written.
          return expect(error).toBeInstanceOf(XdrError);
        }
        expect(codec.read(new XdrReader(writer.body()))).toEqual(value);
      }),
    );
  });
});

describe('arguments on the wire', () => {
  const encode = (name: keyof typeof procedureTable, args: unknown[]): string => {
    const writer = new XdrWriter();
    const { args: codecs } = procedureTable[name] as Procedure;
    codecs.forEach((codec, i) => codec.write(writer, args[i] as never));
    return writer.body().toString('hex');
  };
  const dom = { name: 'web', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: 7 };
  const domHex = '00000003' + '77656200' + '00112233445566778899aabbccddeeff' + '00000007';

  it('puts domain, count and flags in order, and 0 for flags left out', () => {
    expect(encode('domainSetVcpusFlags', [dom, 2, 1])).toBe(`${domHex}0000000200000001`);
    expect(encode('domainSetVcpusFlags', [dom, 2])).toBe(`${domHex}0000000200000000`);
  });

  it('asks a listing for its results', () => {
    expect(encode('connectListAllDomains', [3])).toBe('0000000100000003');
  });

  it('writes a quota as a signed 64-bit parameter', () => {
    const expected =
      `${domHex}00000001` +
      '0000000a' +
      Buffer.from('vcpu_quota\0\0').toString('hex') +
      '00000003' +
      'f'.repeat(16);
    expect(encode('domainSetSchedulerParametersFlags', [dom, { vcpu_quota: -1 }])).toBe(
      `${expected}00000000`,
    );
  });

  it('refuses a parameter that libvirt does not have, and a uuid that is none', () => {
    expect(() => encode('domainSetMemoryParameters', [dom, { hardLimit: 1 }])).toThrow(XdrError);
    expect(() => encode('domainLookupByUUID', ['not-a-uuid'])).toThrow(XdrError);
  });
});
