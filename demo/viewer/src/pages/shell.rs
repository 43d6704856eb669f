//! Renders the parts that all pages share: head, navigation, and the content security policy.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use uuid::Uuid;

use super::back_link::BackLink;
use super::text::{self, shown};
use crate::store::TraceId;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("live.js");

/// A page of the viewer without its content.
pub(super) struct Shell {
    title: String,
    status: StatusCode,
    embedded: bool,
    here: &'static str,
    /// The id of the trace whose changes update this page, or `*` for all traces.
    watches: Option<String>,
    looks_again: Option<Duration>,
    back_link: BackLink,
}

impl Shell {
    pub(super) fn new(title: &str, back_link: BackLink) -> Self {
        Self {
            title: title.to_owned(),
            status: StatusCode::OK,
            embedded: false,
            here: "",
            watches: None,
            looks_again: None,
            back_link,
        }
    }

    pub(super) fn titled(mut self, title: &str) -> Self {
        self.title = shown(title, text::LINE).into_owned();
        self
    }

    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Sets whether the page is for a frame: without navigation, and embeddable by pages on this machine.
    pub(super) fn embedded(mut self, embedded: bool) -> Self {
        self.embedded = embedded;
        self
    }

    /// Sets the entry of the navigation that is shown as the current one.
    pub(super) fn here(mut self, path: &'static str) -> Self {
        self.here = path;
        self
    }

    /// Updates the page when any trace changes.
    pub(super) fn lively(mut self) -> Self {
        self.watches = Some("*".to_owned());
        self
    }

    /// Updates the page when this trace changes.
    pub(super) fn watching(mut self, id: TraceId) -> Self {
        self.watches = Some(id.to_string());
        self
    }

    /// Updates the page after this time, even if no trace changes.
    pub(super) fn looks_again(mut self, after: Duration) -> Self {
        self.looks_again = Some(after);
        self
    }

    pub(super) fn answer(self, main: &Markup) -> Response {
        let nonce = Uuid::new_v4().simple().to_string();
        let frames = if self.embedded {
            "'self' http://127.0.0.1:* http://localhost:*"
        } else {
            "'none'"
        };
        // Spans contain untrusted text. If such text were not escaped, this policy would still prevent it from running
        // scripts or loading anything.
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
        );
        let headers = [
            (CACHE_CONTROL, "no-store".to_owned()),
            (CONTENT_SECURITY_POLICY, policy),
            (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ];
        let page = self.page(&nonce, main).into_string();
        (self.status, headers, Html(page)).into_response()
    }

    fn page(&self, nonce: &str, main: &Markup) -> Markup {
        let entry = |path, name| {
            html! { a href=(path) aria-current=[(self.here == path).then_some("page")] { (name) } }
        };
        let title = format!("{} · trace viewer", self.title);
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    link rel="icon" href="data:,";
                    title { (title) }
                    @if self.looks_again.is_some() {
                        noscript { meta http-equiv="refresh" content="2"; }
                    }
                    style nonce=(nonce) { (PreEscaped(STYLE)) }
                }
                body class=[self.embedded.then_some("embedded")] {
                    @if !self.embedded {
                        header.top {
                            nav aria-label="Pages" {
                                (entry("/", "Traces"))
                                @if let Some(back) = self.back_link.target() {
                                    a href=(back.url) { "Back to " (back.name) }
                                }
                            }
                            p.keys {
                                kbd { "j" } " " kbd { "k" } " move, " kbd { "enter" } " open, " kbd { "e" } " next error, "
                                kbd { "/" } " search"
                            }
                            span #live role="status" {}
                        }
                    }
                    main #main data-title=(title) data-watches=[self.watches.as_ref()]
                        data-again=[self.looks_again.map(|after| after.as_millis())] {
                        (main)
                    }
                    script nonce=(nonce) { (PreEscaped(SCRIPT)) }
                }
            }
        }
    }
}
