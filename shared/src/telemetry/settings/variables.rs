//! [`Variables`]: a value, or a warning that says what is used instead of it.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use crate::{
    config::{self, Lookup},
    redact,
};

pub(super) struct Variables<'a> {
    lookup: Lookup<'a>,
    warnings: Vec<String>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(lookup: Lookup<'a>) -> Self {
        Self {
            lookup,
            warnings: Vec::new(),
        }
    }

    /// The trimmed value; one that is empty counts as unset.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        config::text(self.lookup, name)
    }

    /// The first of these variables that is set, with its name: the one for traces goes before the one for all signals.
    pub(super) fn first(&self, names: [&'static str; 2]) -> Option<(&'static str, String)> {
        names
            .into_iter()
            .find_map(|name| Some((name, self.text(name)?)))
    }

    /// What `parse` makes of the value. One that it refuses is ignored, with a warning.
    pub(super) fn parse<T>(
        &mut self,
        name: &str,
        instead: impl Display,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.text(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.unusable(name, &value, instead);
        }
        parsed
    }

    /// A number within its range, or `default`. One outside of it is ignored, with a warning.
    pub(super) fn number<N>(&mut self, name: &str, default: N, range: RangeInclusive<N>) -> N
    where
        N: FromStr + Display + PartialOrd + Copy,
    {
        self.number_or(name, default, range).unwrap_or(default)
    }

    /// A number within its range. One outside of it is ignored, with a warning that says what is used `instead`.
    pub(super) fn number_or<N>(
        &mut self,
        name: &str,
        instead: impl Display,
        range: RangeInclusive<N>,
    ) -> Option<N>
    where
        N: FromStr + Display + PartialOrd,
    {
        let value = self.text(name)?;
        let number = value.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (start, end) = range.into_inner();
            self.warn(format!(
                "{name} is `{}`, which cannot be used here: expected a whole number from {start} to {end}, using {instead} instead",
                redact::value(&value)
            ));
        }
        number
    }

    pub(super) fn unusable(&mut self, name: &str, value: &str, instead: impl Display) {
        self.warn(format!(
            "{name} is `{}`, which cannot be used here: using {instead} instead",
            redact::value(value)
        ));
    }

    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }
}
