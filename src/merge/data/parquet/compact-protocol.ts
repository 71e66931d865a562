/**
 * Thrift's compact protocol, in which the end of a parquet file is written: fields by number, whatever they mean, so that those we know
 * nothing of stay as they are.
 */
export type Struct = Map<number, Field>;

export interface Field {
  type: number;
  value: Value;
}

type Value = number | boolean | Buffer | List | Struct;

export interface List {
  of: number;
  items: Value[];
}

export const I16 = 4;
export const I32 = 5;
export const I64 = 6;
export const BINARY = 8;
export const LIST = 9;
export const STRUCT = 12;
const [TRUE, FALSE, BYTE, DOUBLE, SET] = [1, 2, 3, 7, 10];

/** Throws RangeError for bytes that are no such struct, or have a map or a number beyond 2^53 in it. */
export function decodeStruct(bytes: Buffer): Struct {
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError("the struct has no end");
    at += length;
    return bytes.subarray(at - length, at);
  };
  const varint = (): number => {
    for (let [value, factor] = [0, 1]; ; factor *= 128) {
      const byte = take(1)[0] ?? 0;
      value += (byte & 127) * factor;
      if (!Number.isSafeInteger(value)) throw new RangeError("a number beyond 2^53");
      if (byte < 128) return value;
    }
  };
  const integer = (): number => {
    const value = varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const read = (type: number): Value => {
    if (type === TRUE || type === FALSE) return take(1)[0] === TRUE;
    if (type === BYTE) return take(1);
    if (type === I16 || type === I32 || type === I64) return integer();
    if (type === DOUBLE) return take(8);
    if (type === BINARY) return take(varint());
    if (type === LIST || type === SET) return list();
    if (type === STRUCT) return struct();
    throw new RangeError(`no type ${type}`);
  };
  const list = (): List => {
    const head = take(1)[0] ?? 0;
    const length = head >> 4 === 15 ? varint() : head >> 4;
    const items: Value[] = [];
    for (let index = 0; index < length; index += 1) items.push(read(head & 15));
    return { of: head & 15, items };
  };
  const struct = (): Struct => {
    const fields: Struct = new Map();
    for (let id = 0; ; ) {
      const head = take(1)[0] ?? 0;
      if (head === 0) return fields;
      id = head >> 4 === 0 ? integer() : id + (head >> 4);
      const type = head & 15;
      fields.set(id, { type, value: type === TRUE || type === FALSE ? type === TRUE : read(type) });
    }
  };
  return struct();
}

export function encodeStruct(fields: Struct): Buffer {
  const parts: Buffer[] = [];
  const byte = (value: number) => parts.push(Buffer.of(value));
  const varint = (value: number) => {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) byte((rest % 128) + 128);
    byte(rest);
  };
  const integer = (value: number) => varint(value < 0 ? -value * 2 - 1 : value * 2);
  const put = (value: Value): void => {
    if (typeof value === "boolean") byte(value ? TRUE : FALSE);
    else if (typeof value === "number") integer(value);
    else if (value instanceof Map) struct(value);
    else if (Buffer.isBuffer(value)) parts.push(value);
    else list(value);
  };
  const typed = (type: number, value: Value): void => {
    if (type === BINARY) varint((value as Buffer).length);
    put(value);
  };
  const list = ({ of, items }: List): void => {
    byte((Math.min(items.length, 15) << 4) | of);
    if (items.length >= 15) varint(items.length);
    for (const item of items) typed(of, item);
  };
  const struct = (all: Struct): void => {
    let last = 0;
    for (const [id, { type, value }] of [...all].sort(([one], [other]) => one - other)) {
      const isNear = id > last && id - last < 16;
      byte((isNear ? (id - last) << 4 : 0) | (typeof value === "boolean" ? (value ? TRUE : FALSE) : type));
      if (!isNear) integer(id);
      if (typeof value !== "boolean") typed(type, value);
      last = id;
    }
    byte(0);
  };
  struct(fields);
  return Buffer.concat(parts);
}
