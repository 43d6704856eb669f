//! [`DatabaseUrl`]: the accepted forms of `DATABASE_URL`, printed without the password.

use std::fmt;
use std::str::FromStr;

use shared::database::Database;
use sqlx::any::AnyConnectOptions;

const POSTGRES_PORT: u16 = 5432;
const EXAMPLES: &str =
    "sqlite://path/to/file.sqlite?mode=rwc or postgres://user:password@host/database";

/// A valid `DATABASE_URL`. Its `Display` and `Debug` output contain no password.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(super) system: System,
    pub(super) options: AnyConnectOptions,
    /// Names of URL parameters that the driver does not support. These parameters are removed from `options`.
    pub(super) ignored: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum System {
    Sqlite,
    Postgres,
}

/// `DATABASE_URL` is invalid. The error does not quote the value, which may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// The value is not a URL.
    #[error("DATABASE_URL is not a valid URL: expected one like {EXAMPLES}")]
    Malformed(#[source] sqlx::Error),
    /// The URL names an unsupported database.
    #[error("DATABASE_URL begins with `{scheme}:`: expected one like {EXAMPLES}")]
    Unknown {
        /// The URL's scheme.
        scheme: String,
    },
    /// The cargo feature `postgres` is disabled.
    #[error(
        "DATABASE_URL names a PostgreSQL database, and this binary is built without: build it with \
         `cargo build -p inventory --features postgres`"
    )]
    PostgresNotBuilt,
    /// The URL names a database in memory, which would be a new, empty database for every connection.
    #[error("DATABASE_URL names no file: expected sqlite://path/to/file.sqlite?mode=rwc")]
    NoFile,
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(url: &str) -> Result<Self, DatabaseUrlError> {
        let mut options: AnyConnectOptions = url.parse().map_err(DatabaseUrlError::Malformed)?;
        let system = match options.database_url.scheme() {
            "sqlite" if names_file(url) => System::Sqlite,
            "sqlite" => return Err(DatabaseUrlError::NoFile),
            "postgres" | "postgresql" if cfg!(feature = "postgres") => System::Postgres,
            "postgres" | "postgresql" => return Err(DatabaseUrlError::PostgresNotBuilt),
            scheme => {
                return Err(DatabaseUrlError::Unknown {
                    scheme: scheme.to_owned(),
                });
            }
        };
        let ignored = match system {
            // SQLite's driver reports unknown parameters itself.
            System::Sqlite => Vec::new(),
            System::Postgres => take_unknown(&mut options),
        };
        Ok(Self {
            system,
            options,
            ignored,
        })
    }
}

/// Removes unknown parameters from a `postgres://` URL. The driver would ignore them with a warning that quotes their
/// values, and a misspelled `password` is such a parameter.
fn take_unknown(options: &mut AnyConnectOptions) -> Vec<String> {
    const KNOWN: [&str; 18] = [
        "application_name",
        "dbname",
        "host",
        "hostaddr",
        "options",
        "password",
        "port",
        "ssl-ca",
        "ssl-cert",
        "ssl-key",
        "ssl-mode",
        "ssl-root-cert",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "statement-cache-capacity",
        "user",
    ];
    let url = &mut options.database_url;
    let parameters = url.query_pairs().into_owned();
    let (known, unknown): (Vec<_>, Vec<_>) = parameters
        .partition(|(key, _)| KNOWN.contains(&key.as_str()) || key.starts_with("options["));
    if !unknown.is_empty() {
        url.query_pairs_mut().clear().extend_pairs(known);
    }
    // A parameter without a value may itself be a secret, so its name is not logged.
    let named = unknown.into_iter().filter(|(_, value)| !value.is_empty());
    named.map(|(key, _)| key).collect()
}

fn names_file(sqlite_url: &str) -> bool {
    let rest = sqlite_url.trim_start_matches("sqlite:");
    let (file, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let file = file.trim_start_matches("//");
    !file.is_empty() && file != ":memory:" && !parameters.contains("mode=memory")
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.options.database_url;
        match self.system {
            System::Sqlite => {
                let directory = url.host_str().unwrap_or_default();
                write!(f, "sqlite:{directory}{}", url.path())
            }
            System::Postgres => {
                let (host, port) = self.server();
                write!(f, "postgres://{host}:{port}{}", url.path())
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl DatabaseUrl {
    /// Returns the attributes that identify the database on the spans of queries.
    pub(crate) fn traced(&self) -> Database {
        match self.system {
            // The file name is not recorded, because it has no meaning on other hosts. SQLite itself calls the main
            // database `main`.
            System::Sqlite => Database::new("sqlite").with_namespace("main"),
            System::Postgres => {
                let (host, port) = self.server();
                let name = self.options.database_url.path().trim_start_matches('/');
                Database::new("postgresql")
                    .with_namespace(name)
                    .with_server(host, port)
            }
        }
    }

    /// Returns the host, which may be the directory of a Unix socket, and the port. URL parameters take precedence over
    /// the host and port of the URL itself.
    fn server(&self) -> (String, u16) {
        let url = &self.options.database_url;
        let parameter = |name| {
            let (_, value) = url.query_pairs().find(|(key, _)| key == name)?;
            Some(value.into_owned())
        };
        let host = || url.host_str().unwrap_or("localhost").to_owned();
        let port = parameter("port").and_then(|port| port.parse().ok());
        (
            parameter("host").unwrap_or_else(host),
            port.or(url.port()).unwrap_or(POSTGRES_PORT),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn password_is_never_printed() {
        for url in [
            "postgres://ann:hunter2@db.example:6543/shop?password=hunter2",
            "postgresql://ann:hunter2@db.example/shop",
            "mysql://ann:hunter2@db.example/shop",
            "postgres//ann:hunter2@db.example/shop",
            "ann:hunter2@db.example/shop",
            "postgres://ann:hunter2@db.example:port/shop",
            "hunter2",
            "",
        ] {
            let printed = match url.parse::<DatabaseUrl>() {
                Ok(url) => format!("{url} {url:?}"),
                Err(error) => {
                    let chain = shared::error::chain(&error);
                    format!("{error} {error:?} {:?} {chain}", error.source())
                }
            };
            assert!(!printed.contains("hunter2"), "{printed}");
        }
    }

    #[test]
    fn unknown_scheme_error_lists_accepted_forms() {
        let error = "mysql://localhost/shop".parse::<DatabaseUrl>().unwrap_err();
        for part in ["DATABASE_URL", "`mysql:`", "sqlite://", "postgres://"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn database_in_memory_is_refused() {
        for url in [
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite://?mode=memory",
            "sqlite://a?mode=memory",
        ] {
            let error = url.parse::<DatabaseUrl>().unwrap_err();
            assert!(matches!(error, DatabaseUrlError::NoFile), "{url}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn unknown_url_parameter_is_removed() {
        let url = "postgres://ann@db.example/shop?host=%2Ftmp&passwd=hunter2&options[a]=b&hunter3";
        let url: DatabaseUrl = url.parse().unwrap();
        let kept = url.options.database_url.query_pairs().into_owned();
        let expected = [("host", "/tmp"), ("options[a]", "b")];
        assert_eq!(
            kept.collect::<Vec<_>>(),
            expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
        assert_eq!(url.ignored, ["passwd"]);
    }

    #[cfg(not(feature = "postgres"))]
    #[test]
    fn postgres_url_without_the_feature_names_the_feature() {
        for url in ["postgres://localhost/shop", "postgresql://localhost/shop"] {
            let error = url.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(
                error.contains("cargo build -p inventory --features postgres"),
                "{error}"
            );
        }
    }
}
