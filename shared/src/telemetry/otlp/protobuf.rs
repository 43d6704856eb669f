//! The [wire format](https://protobuf.dev/programming-guides/encoding/) of protobuf, as far as OTLP needs it written.
//!
//! Fields with their default value are left out, as proto3 asks; members of a `oneof` are written always.

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

/// A string or bytes.
pub(super) fn bytes(buffer: &mut Vec<u8>, field: u32, value: &[u8]) {
    if !value.is_empty() {
        member_bytes(buffer, field, value);
    }
}

pub(super) fn member_bytes(buffer: &mut Vec<u8>, field: u32, value: &[u8]) {
    length(buffer, field, value.len());
    buffer.extend_from_slice(value);
}

/// A message within a message.
pub(super) fn message(buffer: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    key(buffer, field, LENGTH_DELIMITED);
    let start = buffer.len();
    write(buffer);
    // The length stands before what it is the length of: it goes to the end and is turned to the front.
    let end = buffer.len();
    varint(buffer, (end - start) as u64);
    let digits = buffer.len() - end;
    buffer[start..].rotate_right(digits);
}

/// The head of a message of `length` bytes, which the caller writes.
pub(super) fn length(buffer: &mut Vec<u8>, field: u32, length: usize) {
    key(buffer, field, LENGTH_DELIMITED);
    varint(buffer, length as u64);
}

fn key(buffer: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(buffer, u64::from(field << 3 | wire_type));
}

fn varint(buffer: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        buffer.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    buffer.push(value.to_le_bytes()[0]);
}
