//! Formats and parses durations for people.

use std::time::Duration;

/// Formats a duration in a suitable unit: `1.23 s`, `45.6 ms`, `7 µs`, `2 h 5 min`.
#[expect(
    clippy::cast_precision_loss,
    reason = "three digits are shown, 52 bits are kept"
)]
pub fn human_duration(nanos: u64) -> String {
    let value = nanos as f64;
    let seconds = nanos.saturating_add(500_000_000) / 1_000_000_000;
    // Each range ends at the value whose text would round up to the next unit.
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..999_500 => format!("{:.0} µs", value / 1e3),
        999_500..999_950_000 => format!("{:.1} ms", value / 1e6),
        999_950_000..59_995_000_000 => format!("{:.2} s", value / 1e9),
        _ if seconds < 3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds < 86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Parses a duration to nanoseconds: `250ms`, `1.5s`, `1500us`; a bare number is milliseconds.
pub(crate) fn read(text: &str) -> Option<u64> {
    let text = text.replace(' ', "");
    let unit = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..unit].parse().ok()?;
    let unit = match text[unit..].to_ascii_lowercase().as_str() {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "" | "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        _ => return None,
    };
    let duration = Duration::try_from_secs_f64(number * unit).ok()?;
    u64::try_from(duration.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let values = ["250", "250ms", "1.5 s", "3us", "2 min", "0.5µs"].map(read);
        let nanos = [
            250_000_000,
            250_000_000,
            1_500_000_000,
            3_000,
            120_000_000_000,
            500,
        ];
        assert_eq!(values, nanos.map(Some));
        for wrong in ["", "fast", "-1s", "1 parsec", "1.2.3s", "1e400s", "NaN"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_read_in_the_unit_that_fits() {
        let read = [0, 999, 1_500, 2_000_000, 1_234_000_000].map(human_duration);
        assert_eq!(read, ["0 ns", "999 ns", "2 µs", "2.0 ms", "1.23 s"]);
        let read = [59, 60, 3_599, 7_500, 90_000].map(|s| human_duration(s * 1_000_000_000));
        assert_eq!(
            read,
            [
                "59.00 s",
                "1 min 0 s",
                "59 min 59 s",
                "2 h 5 min",
                "1 d 1 h"
            ]
        );
        let at_the_edge = [999_600, 999_960_000, 59_999_000_000, u64::MAX].map(human_duration);
        assert_eq!(
            at_the_edge,
            ["1.0 ms", "1.00 s", "1 min 0 s", "213503 d 23 h"]
        );
    }
}
