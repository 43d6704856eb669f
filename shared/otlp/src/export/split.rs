//! [`halves`]: splits a request that is too large for the collector into two.

use super::{
    encode::{SCOPE_SPANS, SPANS},
    protobuf,
};

/// Splits an encoded `ExportTraceServiceRequest` of one resource into two requests: one with the first `first` spans,
/// and one with the remaining spans.
pub(super) fn halves(request: &[u8], first: u64) -> [Vec<u8>; 2] {
    let mut position = 0;
    let mut halves = [Vec::new(), Vec::new()];
    let resource_spans =
        protobuf::entries(request).flat_map(|entry| protobuf::entries(entry.value));
    for entry in resource_spans {
        if entry.field != SCOPE_SPANS {
            for half in &mut halves {
                half.extend_from_slice(entry.bytes);
            }
            continue;
        }
        let mut scopes = [Vec::new(), Vec::new()];
        let mut has_spans = [false, false];
        for part in protobuf::entries(entry.value) {
            if part.field == SPANS {
                let half = usize::from(position >= first);
                scopes[half].extend_from_slice(part.bytes);
                has_spans[half] = true;
                position += 1;
            } else {
                for scope in &mut scopes {
                    scope.extend_from_slice(part.bytes);
                }
            }
        }
        for ((half, scope), has_spans) in halves.iter_mut().zip(scopes).zip(has_spans) {
            if has_spans {
                protobuf::length(half, SCOPE_SPANS, scope.len());
                half.extend_from_slice(&scope);
            }
        }
    }
    halves.map(|half| {
        let mut request = Vec::with_capacity(half.len() + 6);
        protobuf::length(&mut request, 1, half.len());
        request.extend_from_slice(&half);
        request
    })
}
