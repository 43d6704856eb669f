//! The values of a request. Each constructor validates its value, so `stock` receives only valid values.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum length of an id, in characters.
const MAX_ID: usize = 64;

/// The rule that a value violates. Callers add the name of the field.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be {0}")]
pub(crate) struct InvalidValue(&'static str);

/// An order: an id, an item and a quantity.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    #[serde(rename = "order_id")]
    pub(crate) id: OrderId,
    pub(crate) item_id: ItemId,
    pub(crate) quantity: Quantity,
}

/// The id of an item. The item may be missing from the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct ItemId(String);

/// The id of an order. The caller chooses it, and uses the same id when it repeats the request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct OrderId(String);

/// The quantity of an order, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i64")]
pub(crate) struct Quantity(i64);

impl TryFrom<String> for ItemId {
    type Error = InvalidValue;

    fn try_from(value: String) -> Result<Self, InvalidValue> {
        // PostgreSQL does not store NUL in text, and a line break would split a log line.
        if is_sized(&value) && !value.contains(char::is_control) {
            Ok(Self(value))
        } else {
            Err(InvalidValue(
                "1 to 64 characters, none of them a control character",
            ))
        }
    }
}

impl TryFrom<String> for OrderId {
    type Error = InvalidValue;

    fn try_from(value: String) -> Result<Self, InvalidValue> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if is_sized(&value) && value.chars().all(is_allowed) {
            Ok(Self(value))
        } else {
            Err(InvalidValue(
                "1 to 64 of the characters A-Z, a-z, 0-9, `-` and `_`",
            ))
        }
    }
}

impl TryFrom<i64> for Quantity {
    type Error = InvalidValue;

    fn try_from(value: i64) -> Result<Self, InvalidValue> {
        if (1..=100).contains(&value) {
            Ok(Self(value))
        } else {
            Err(InvalidValue("a whole number from 1 to 100"))
        }
    }
}

impl ItemId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl OrderId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Quantity {
    pub(crate) fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_sized(value: &str) -> bool {
    (1..=MAX_ID).contains(&value.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantity_is_one_to_a_hundred() {
        for value in [1, 100] {
            assert_eq!(Quantity::try_from(value).map(Quantity::get), Ok(value));
        }
        for value in [i64::MIN, -1, 0, 101, i64::MAX] {
            assert!(Quantity::try_from(value).is_err(), "{value}");
        }
    }

    #[test]
    fn order_id_has_only_its_alphabet() {
        for value in ["a", "Order_1-b", &"x".repeat(64)] {
            assert!(OrderId::try_from(value.to_owned()).is_ok(), "{value}");
        }
        for value in ["", " ", "a b", "ä", "a'b", "a\0", &"x".repeat(65)] {
            assert!(OrderId::try_from(value.to_owned()).is_err(), "{value}");
        }
    }

    #[test]
    fn item_id_length_counts_characters() {
        for value in ["item-123", "größe 42", &"ü".repeat(64)] {
            assert!(ItemId::try_from(value.to_owned()).is_ok(), "{value}");
        }
        for value in ["", "a\0b", "a\nb", &"ü".repeat(65)] {
            assert!(ItemId::try_from(value.to_owned()).is_err(), "{value}");
        }
    }

    #[test]
    fn error_names_the_rule() {
        let error = Quantity::try_from(0).unwrap_err();
        assert_eq!(error.to_string(), "must be a whole number from 1 to 100");
    }
}
