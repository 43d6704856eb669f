//! The lines of code that the page shows for each pitfall, and the files they come from.

/// The code of a pitfall.
pub(super) struct Code {
    /// The name of the pitfall.
    pub(super) name: &'static str,
    /// The broken lines.
    pub(super) broken: &'static str,
    /// The lines that replace them.
    pub(super) fixed: &'static str,
    /// The whole file.
    pub(super) file: &'static str,
}

/// The code of every pitfall. Lines that do not matter are left out.
const CODE: [Code; 7] = [
    Code {
        name: "severed-context",
        broken: "let inventory = lab.ask_inventory().with_context(Context::new()).await?;",
        fixed: "let inventory = lab.ask_inventory().await?;",
        file: include_str!("../pitfalls/severed_context.rs"),
    },
    Code {
        name: "raw-client",
        broken: "let client = reqwest::Client::builder().no_proxy().build();
let request = client.map(|client| client.get(lab.inventory.check_url(ITEM)));
let response = request.map_err(InventoryError::from)?.send().await;",
        fixed: "ClientBuilder::new(client)
    .with(TraceMiddleware::new())
    .build()",
        file: include_str!("../pitfalls/raw_client.rs"),
    },
    Code {
        name: "detached-task",
        broken: "let notice = tokio::spawn(notify_warehouse()).await?;",
        fixed: "let notice = shared::task::spawn(notify_warehouse()).await?;",
        file: include_str!("../pitfalls/detached_task.rs"),
    },
    Code {
        name: "blocking-work",
        broken: "let pooled = tokio::task::spawn_blocking(weigh_parcel).await?;
std::thread::spawn(|| weighed.send(weigh_parcel()));",
        fixed: "let one = shared::task::spawn_blocking(weigh_parcel).await?;
let other = shared::task::spawn_blocking(weigh_parcel).await?;",
        file: include_str!("../pitfalls/blocking_work.rs"),
    },
    Code {
        name: "leaked-task",
        broken: "let waiting = wait_for_restock(lab);
tokio::spawn(waiting);",
        fixed: "let task = shared::task::spawn(wait_for_restock(lab));
let request_is_over = task.cancel_on_drop();",
        file: include_str!("../pitfalls/leaked_task.rs"),
    },
    Code {
        name: "late-parent",
        broken: "let span = tracing::info_span!(parent: None, \"handle_message\");
let _entered = span.enter();
let outcome = span.set_parent(propagation::extract(&message));",
        fixed: "let span = tracing::info_span!(parent: None, \"handle_message\");
let outcome = span.set_parent(propagation::extract(&message));
let _entered = span.enter();",
        file: include_str!("../pitfalls/late_parent.rs"),
    },
    Code {
        name: "unflushed-exit",
        broken: "let telemetry = telemetry::init(\"nightly-report\")?;
let report = nightly_report();
std::process::exit(0)",
        fixed: "let telemetry = telemetry::init(\"nightly-report\")?;
let report = nightly_report();
telemetry.shutdown(FLUSH_TIMEOUT).await",
        file: include_str!("../pitfalls/unflushed_exit.rs"),
    },
];

/// Returns the code of the pitfall with this name.
pub(super) fn of(name: &str) -> Option<&'static Code> {
    CODE.iter().find(|code| code.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pitfalls;

    /// The traced client of `raw-client` is built here.
    const CLIENT: &str = include_str!("../inventory.rs");

    #[test]
    fn every_pitfall_shows_lines_of_its_file() {
        for pitfall in pitfalls::all() {
            let code = of(pitfall.name).unwrap_or_else(|| panic!("no code for {}", pitfall.name));
            let (_, broken) = code.file.split_once("fn broken(").unwrap();
            let (broken, fixed) = broken.split_once("fn fixed(").unwrap();
            for (form, shown) in [(broken, code.broken), (fixed, code.fixed)] {
                let mut rest = form;
                for line in shown.lines().map(str::trim) {
                    // Lines keep their order.
                    match rest.split_once(line) {
                        Some((_, after)) => rest = after,
                        None => assert!(
                            pitfall.name == "raw-client" && CLIENT.contains(line),
                            "{}: `{line}` is not in\n{form}",
                            pitfall.name
                        ),
                    }
                }
                assert!(shown.lines().count() <= 3, "{}", pitfall.name);
            }
        }
        assert_eq!(CODE.len(), pitfalls::all().len());
    }
}
