//! [`Variables`]: reads environment variables and collects warnings about unusable values.

use std::{
    fmt::Display,
    num::{IntErrorKind, ParseIntError},
    ops::RangeInclusive,
    str::FromStr,
};

use super::names;
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

    /// Returns the trimmed value of a variable. An empty value counts as not set.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        debug_assert!(names::is_known(name), "{name} is missing from the list");
        self.unchecked_text(name)
    }

    /// Like [`text`](Self::text), but also for variables that are not in the list of known names.
    pub(super) fn unchecked_text(&self, name: &str) -> Option<String> {
        config::text(self.lookup, name)
    }

    /// Returns the name and value of the first of these variables that is set.
    #[cfg(feature = "otlp")]
    pub(super) fn first(&self, names: [&'static str; 2]) -> Option<(&'static str, String)> {
        names
            .into_iter()
            .find_map(|name| Some((name, self.text(name)?)))
    }

    /// Returns the parsed value of a variable. A value that `parse` refuses counts as not set, with a warning.
    pub(super) fn parse<T>(
        &mut self,
        name: &'static str,
        default: impl Display,
        expects: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.first_usable(&[name], default, expects, parse)
    }

    /// Returns the allowed word to which a variable is set, ignoring case. Another value counts as not set, with a
    /// warning.
    pub(super) fn word(
        &mut self,
        name: &'static str,
        default: &str,
        expects: &str,
        allowed: &[&'static str],
    ) -> Option<&'static str> {
        self.parse(name, default, expects, |value| {
            let value = value.to_ascii_lowercase();
            allowed.iter().copied().find(|known| *known == value)
        })
    }

    /// Returns the first usable value of these variables. A value that `parse` refuses counts as not set, with a
    /// warning.
    pub(super) fn first_usable<T>(
        &mut self,
        names: &[&'static str],
        default: impl Display,
        expects: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let mut unusable = Vec::new();
        let mut used = None;
        for name in names {
            let Some(value) = self.text(name) else {
                continue;
            };
            match parse(&value) {
                Some(parsed) => {
                    used = Some((value, parsed));
                    break;
                }
                None => unusable.push((name, value)),
            }
        }
        let instead = match &used {
            Some((value, _)) => redact::value(value).to_string(),
            None => default.to_string(),
        };
        for (name, value) in unusable {
            self.unusable(name, &value, expects, &instead);
        }
        used.map(|(_, parsed)| parsed)
    }

    /// Returns the number in a variable, limited to the maximum of `range`. Returns `default` if the variable is not
    /// set or has another unusable value.
    pub(super) fn number<N>(
        &mut self,
        name: &'static str,
        default: N,
        range: RangeInclusive<N>,
    ) -> N
    where
        N: FromStr<Err = ParseIntError> + Display + PartialOrd + Copy,
    {
        self.first_number(&[name], default, range)
            .unwrap_or(default)
    }

    /// Returns the first usable number of these variables. A number above the range is replaced by the maximum, since
    /// large numbers commonly mean "no limit". Any other unusable value counts as not set. A replaced number and an
    /// unusable value both cause a warning.
    pub(super) fn first_number<N>(
        &mut self,
        names: &[&'static str],
        default: impl Display,
        range: RangeInclusive<N>,
    ) -> Option<N>
    where
        N: FromStr<Err = ParseIntError> + Display + PartialOrd + Copy,
    {
        let (start, end) = range.into_inner();
        let expects = format!("a whole number from {start} to {end}");
        let number =
            self.first_usable(names, default, &expects, |value| match value.parse::<N>() {
                Ok(number) if number < start => None,
                Ok(number) if number > end => Some((end, Some(value.to_owned()))),
                Ok(number) => Some((number, None)),
                Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
                    Some((end, Some(value.to_owned())))
                }
                Err(_) => None,
            });
        let (number, clamped) = number?;
        if let Some(value) = clamped {
            let is_set_to_it = |name: &&&'static str| self.text(name).as_ref() == Some(&value);
            let name = names.iter().find(is_set_to_it).copied();
            self.unusable(name.unwrap_or_default(), &value, &expects, end);
        }
        Some(number)
    }

    /// Warns of a value that cannot be used.
    pub(super) fn unusable(
        &mut self,
        name: &str,
        value: &str,
        expects: &str,
        instead: impl Display,
    ) {
        self.warn(format!(
            "{name} is `{}`, which cannot be used: expected {expects}; using {instead} instead",
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
