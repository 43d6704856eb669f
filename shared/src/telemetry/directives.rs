//! Finds probable mistakes in a valid `RUST_LOG`, where a misspelled level is taken as a target.

use tracing::level_filters::LevelFilter;

use crate::redact;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Returns a warning if `RUST_LOG` contains a word that is taken as a target, and either the word resembles a
/// level or no level applies to the other targets.
pub(super) fn warning(directives: &str) -> Option<String> {
    // A directive that contains a level, a span or a field is not a misspelled level.
    let words = directives.split(',').map(str::trim);
    let words =
        words.filter(|word| !word.is_empty() && !word.contains(['=', '[', ']', '{', '}', '"']));
    let (levels, targets): (Vec<_>, Vec<_>) = words.partition(|word| is_level(word));
    let misspelt = targets
        .iter()
        .find_map(|target| Some((*target, nearest(target)?)));
    let target = match (misspelt, targets.first()) {
        (Some((target, _)), _) => target,
        (None, Some(target)) if levels.is_empty() => target,
        _ => return None,
    };
    let value = redact::value(directives);
    let others = if levels.is_empty() {
        ", and no level applies to the other targets"
    } else {
        ""
    };
    let hint = misspelt.map_or_else(
        || "; levels are error, warn, info, debug, trace and off".to_owned(),
        |(_, level)| format!("; did you mean `{level}`?"),
    );
    Some(format!(
        "RUST_LOG is `{value}`: `{target}` is not a level, so it is taken as a target{others}{hint}"
    ))
}

fn is_level(word: &str) -> bool {
    word.parse::<LevelFilter>().is_ok()
}

/// Returns the level that the word resembles: the level with one typing mistake, the beginning of the level,
/// or a word that begins with the level.
fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    LEVELS.into_iter().find(|level| {
        let is_form = word.len() >= 3
            && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            && (word.starts_with(level) || level.starts_with(&*word));
        is_form || is_one_mistake_away(word.as_bytes(), level.as_bytes())
    })
}

/// Returns whether the texts differ by one byte that is added, removed, replaced or swapped with the next.
fn is_one_mistake_away(one: &[u8], other: &[u8]) -> bool {
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[start..], &other[start..]);
    match (one, other) {
        ([a, b, one @ ..], [c, d, other @ ..]) if a == d && b == c && one == other => true,
        ([_, one_rest @ ..], [_, other_rest @ ..]) if one_rest == other_rest => true,
        ([_, rest @ ..], other) if rest == other => true,
        (one, [_, rest @ ..]) => one == rest,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_level_is_warned_of_with_nearest() {
        for (directives, level) in [
            ("inof", "info"),
            ("inf", "info"),
            ("infoo", "info"),
            ("wran", "warn"),
            ("WARNING", "warn"),
            ("err", "error"),
            ("dbug", "debug"),
            ("info,checkout=debug,trcae", "trace"),
        ] {
            let warning = warning(directives).unwrap_or_default();
            let expected = format!("did you mean `{level}`?");
            assert!(warning.ends_with(&expected), "{directives}: {warning}");
        }
    }

    #[test]
    fn target_without_level_for_others_is_warned_of() {
        assert_eq!(
            warning("checkout").unwrap(),
            "RUST_LOG is `checkout`: `checkout` is not a level, so it is taken as a target, and no level applies to the \
             other targets; levels are error, warn, info, debug, trace and off"
        );
    }

    #[test]
    fn sound_directives_are_not_warned_of() {
        for directives in [
            "info",
            "INFO,checkout=debug",
            "checkout=debug",
            "off",
            "3",
            "warn,checkout",
            "info,[order{id=7}]",
            "",
        ] {
            assert_eq!(warning(directives), None, "{directives}");
        }
    }
}
