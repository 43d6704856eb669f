//! [`Variables`]: a value, or a warning that says what is used instead of it.

use std::{
    fmt::Display,
    num::{IntErrorKind, ParseIntError},
    ops::RangeInclusive,
    str::FromStr,
};

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
    #[cfg(feature = "otlp")]
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

    /// Returns the first usable value of these variables. One that `parse` refuses counts as not set, with a warning.
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
            self.warn(format!(
                "{name} is `{}`, which cannot be used here: expected {expects}, using {instead} instead",
                redact::value(&value)
            ));
        }
        used.map(|(_, parsed)| parsed)
    }

    /// Returns a number within its range, or `default`.
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

    /// Returns the first usable number of these variables. One above the range is replaced by the maximum, since large
    /// numbers commonly mean "no limit", and any other outside of it counts as not set. A warning names either.
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
            self.warn(format!(
                "{} is `{}`, which is more than can be used here: using the maximum, {end}",
                name.unwrap_or_default(),
                redact::value(&value)
            ));
        }
        Some(number)
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
