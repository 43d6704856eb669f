//! [`Variables`]: a value, or a warning that says what is used instead of it.

use std::fmt::Display;

use crate::config::{self, Lookup};

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

    pub(super) fn unusable(&mut self, name: &str, value: &str, instead: impl Display) {
        self.warn(format!(
            "{name} is `{value}`, which cannot be used here: using {instead} instead"
        ));
    }

    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }
}
