//! Reads protobuf values that JSON has no type for.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads base64 with or without padding, and writes it with padding.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A whole number, with or without quotes. Numbers with a zero fraction or an exponent count as whole, such as `1.0`
/// and `1e3`.
pub(super) struct Integer<N>(pub(super) N);

/// A floating-point number, with or without quotes, or one of `NaN`, `Infinity` and `-Infinity` in quotes.
pub(super) struct Double(pub(super) f64);

/// The value of an enumeration, given by number or name.
pub(super) enum Enumeration {
    Number(i32),
    Name(String),
}

/// The bytes of a trace id or span id, in hexadecimal.
pub(super) struct Hex(pub(super) Vec<u8>);

/// Bytes in base64, with the standard or the URL-safe alphabet. Trace ids and span ids are in hexadecimal instead.
pub(super) struct Base64(pub(super) Vec<u8>);

impl<'de, N: TryFrom<i128>> Deserialize<'de> for Integer<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match deserializer.deserialize_any(NumberVisitor("a whole number"))? {
            Number::Integer(number) => Some(number),
            Number::Double(number) => whole(number),
            Number::Text(text) => match text.parse() {
                Ok(number) => Some(number),
                Err(_) => text.parse().ok().and_then(whole),
            },
        };
        let number = number.ok_or_else(|| D::Error::custom("expected a whole number"))?;
        let fits = N::try_from(number);
        let number =
            fits.map_err(|_| D::Error::custom(format_args!("{number} is out of range")))?;
        Ok(Self(number))
    }
}

/// Up to this number, a double represents every whole number exactly.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is whole and within the range in which doubles are exact"
)]
fn whole(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() <= LARGEST_EXACT).then_some(number as i128)
}

impl<'de> Deserialize<'de> for Double {
    #[expect(clippy::cast_precision_loss, reason = "the field is a double")]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(NumberVisitor("a number"))? {
            Number::Integer(number) => Ok(Self(number as f64)),
            Number::Double(number) => Ok(Self(number)),
            Number::Text(text) => {
                let number = text.parse();
                number.map_err(D::Error::custom).map(Self)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Enumeration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(NumberVisitor("a number or a name"))? {
            Number::Integer(number) => {
                let number = i32::try_from(number);
                number.map_err(D::Error::custom).map(Self::Number)
            }
            Number::Double(number) => Err(D::Error::custom(format_args!(
                "{number} is not a whole number"
            ))),
            Number::Text(text) => Ok(text.parse().map_or(Self::Name(text), Self::Number)),
        }
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Option<Vec<u8>> = text.chars().map(digit).collect();
        let digits = digits.filter(|digits| digits.len() % 2 == 0);
        let digits = digits.ok_or_else(|| {
            D::Error::custom(format_args!("expected hexadecimal digits, got {text:?}"))
        })?;
        Ok(Self(
            digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect(),
        ))
    }
}

fn digit(digit: char) -> Option<u8> {
    digit
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let standard = text.replace('-', "+").replace('_', "/");
        BASE64.decode(standard).map_err(D::Error::custom).map(Self)
    }
}

enum Number {
    Integer(i128),
    Double(f64),
    Text(String),
}

struct NumberVisitor(&'static str);

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number::Integer(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(Number::Integer(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number::Double(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Number, E> {
        Ok(Number::Text(text.to_owned()))
    }
}
