//! The [wire format](https://protobuf.dev/programming-guides/encoding/) of protobuf, to the extent that OTLP needs.
//!
//! Fields with their default value are omitted, as proto3 requires. Members of a `oneof` are always written.

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;
const FIXED32: u32 = 5;

pub(super) fn uint(buffer: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        member_uint(buffer, field, value);
    }
}

pub(super) fn member_uint(buffer: &mut Vec<u8>, field: u32, value: u64) {
    key(buffer, field, VARINT);
    varint(buffer, value);
}

pub(super) fn member_double(buffer: &mut Vec<u8>, field: u32, value: f64) {
    key(buffer, field, FIXED64);
    buffer.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn fixed64(buffer: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        key(buffer, field, FIXED64);
        buffer.extend_from_slice(&value.to_le_bytes());
    }
}

pub(super) fn fixed32(buffer: &mut Vec<u8>, field: u32, value: u32) {
    if value != 0 {
        key(buffer, field, FIXED32);
        buffer.extend_from_slice(&value.to_le_bytes());
    }
}

/// Writes a field of type `string` or `bytes`, unless the value is empty.
pub(super) fn bytes(buffer: &mut Vec<u8>, field: u32, value: &[u8]) {
    if !value.is_empty() {
        member_bytes(buffer, field, value);
    }
}

pub(super) fn member_bytes(buffer: &mut Vec<u8>, field: u32, value: &[u8]) {
    length(buffer, field, value.len());
    buffer.extend_from_slice(value);
}

/// Writes a field that contains a message, whose fields `write` appends.
pub(super) fn message(buffer: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    key(buffer, field, LENGTH_DELIMITED);
    // The length of a message precedes its fields. One byte is reserved for the length, because most lengths are below
    // 128.
    let start = buffer.len() + 1;
    buffer.push(0);
    write(buffer);
    let length = buffer.len() - start;
    match u8::try_from(length) {
        Ok(digit @ ..0x80) => buffer[start - 1] = digit,
        _ => make_room(buffer, start, length),
    }
}

/// Moves a message back to make room for a length of more than one byte, and writes the length.
fn make_room(buffer: &mut Vec<u8>, start: usize, length: usize) {
    let mut digits = [0; LONGEST];
    let more = write_varint(&mut digits, length as u64) - 1;
    buffer.extend_from_slice(&digits[..more]);
    buffer.copy_within(start..start + length, start + more);
    buffer[start - 1..start + more].copy_from_slice(&digits[..=more]);
}

/// Writes the key and the length of a length-delimited field. The caller then writes `length` bytes as its value.
pub(super) fn length(buffer: &mut Vec<u8>, field: u32, length: usize) {
    key(buffer, field, LENGTH_DELIMITED);
    varint(buffer, length as u64);
}

fn key(buffer: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(buffer, u64::from(field << 3 | wire_type));
}

#[inline]
fn varint(buffer: &mut Vec<u8>, value: u64) {
    match u8::try_from(value) {
        Ok(digit @ ..0x80) => buffer.push(digit),
        _ => long_varint(buffer, value),
    }
}

fn long_varint(buffer: &mut Vec<u8>, value: u64) {
    let mut digits = [0; LONGEST];
    let length = write_varint(&mut digits, value);
    buffer.extend_from_slice(&digits[..length]);
}

/// Maximum size of a varint in bytes.
const LONGEST: usize = 10;

/// Writes a varint to `digits` and returns its size in bytes.
fn write_varint(digits: &mut [u8], mut value: u64) -> usize {
    let mut length = 0;
    while value >= 0x80 {
        digits[length] = value.to_le_bytes()[0] | 0x80;
        value >>= 7;
        length += 1;
    }
    digits[length] = value.to_le_bytes()[0];
    length + 1
}

/// A length-delimited field of an encoded message.
pub(super) struct Entry<'a> {
    pub(super) field: u32,
    pub(super) value: &'a [u8],
    /// The whole field: key, length and value.
    pub(super) bytes: &'a [u8],
}

/// Iterates over the fields of a message that was written by this module and has only length-delimited fields.
pub(super) fn entries(mut message: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let whole = message;
        let key = read_varint(&mut message)?;
        let length = usize::try_from(read_varint(&mut message)?).ok()?;
        let value;
        (value, message) = message.split_at_checked(length)?;
        Some(Entry {
            field: u32::try_from(key >> 3).ok()?,
            value,
            bytes: &whole[..whole.len() - message.len()],
        })
    })
}

fn read_varint(buffer: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for position in 0..LONGEST {
        let (byte, rest) = buffer.split_first()?;
        *buffer = rest;
        value |= u64::from(byte & 0x7f) << (7 * position);
        if *byte < 0x80 {
            break;
        }
    }
    Some(value)
}
