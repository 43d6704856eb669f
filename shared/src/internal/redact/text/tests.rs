use super::*;

#[test]
fn url_secrets_in_text_are_redacted() {
    for (input, printed) in [
        (
            "error sending request for url (http://ann:hunter2@host:80/a?b=hunter2&c=hunter2#hunter2)",
            "error sending request for url (http://REDACTED@host:80/a?b=REDACTED&c=REDACTED#REDACTED)",
        ),
        (
            "from \"https://hunter2@a/\" to <https://b?hunter2>: refused",
            "from \"https://REDACTED@a/\" to <https://b?REDACTED>: refused",
        ),
        (
            "http://a/x,http://ann:hunter2@b/y",
            "http://a/x,http://REDACTED@b/y",
        ),
        (
            "http://a?to=http://ann:hunter2@b/?c=hunter2",
            "http://a?to=REDACTED?c=REDACTED",
        ),
        ("amqp://a:b@h1:1,c:hunter2@h2/v", "amqp://REDACTED@h2/v"),
        ("ann:hunter2@db.example/shop", "REDACTED@db.example/shop"),
        (
            "postgres//ann:hunter2@db/shop?x=hunter2",
            "REDACTED@db/shop?x=REDACTED",
        ),
        (
            "postgres://ann:hun/ter2@db/shop",
            "postgres://REDACTED@db/shop",
        ),
        (
            "postgres://ann:hun?ter2#@db/shop",
            "postgres://REDACTED@db/shop",
        ),
        (
            "postgres://ann:hun@ter2@db/shop",
            "postgres://REDACTED@db/shop",
        ),
        (
            "http://[::1]:80/a?b=hunter2",
            "http://[::1]:80/a?b=REDACTED",
        ),
        (
            "no route for /check/a?sig=hunter2",
            "no route for /check/a?sig=REDACTED",
        ),
        (
            "http://größe:hunter2@größe/ü?ü=hunter2",
            "http://REDACTED@größe/ü?ü=REDACTED",
        ),
    ] {
        assert_eq!(text(input), printed);
        assert!(!printed.contains("hunter2"));
    }
}

#[test]
fn text_without_secret_is_unchanged() {
    for input in [
        "",
        "connection refused (os error 111)",
        "tell ann@example.com: what? #5",
        "http://127.0.0.1:8081/check/item-123",
        "http://host/users/ann@example.com",
        "http://[::1]:8081/users/ann@example.com",
        "wrong password: connection refused",
        "password authentication failed for user \"ann\"",
        "unexpected token: `}`, expected = or ;",
        "host=db user=ann dbname=shop sslmode=require",
        "/home/ann/src/main.rs:10:5, 50 % done; retry=3",
        "DATABASE_URL names no file: expected sqlite://path/to/file.sqlite?mode=rwc",
        "expected sqlite://path?mode=rwc or postgres://user:password@host/database?sslmode=require",
        "its directory must exist, and the file too unless the URL has ?mode=rwc",
        "http://[2001:db8::1]/@scope/x",
        "://",
        "@",
    ] {
        assert_eq!(text(input), input);
    }
}

#[test]
fn doubtful_value_is_redacted() {
    for (input, printed) in [
        ("http://inventory:8081", "http://inventory:8081"),
        ("hunter2@inventory:8081", "REDACTED@inventory:8081"),
        (
            "http://ann:hun(ter2) @inventory",
            "http://REDACTED@inventory",
        ),
        (
            "http://ann:80?hunter2@inventory/?a=hunter2",
            "http://REDACTED@inventory/?a=REDACTED",
        ),
        (
            "inventory:8081?token=hunter2",
            "inventory:8081?token=REDACTED",
        ),
    ] {
        assert_eq!(value(input), printed);
    }
}

#[test]
fn connection_strings_in_text_are_redacted() {
    for (input, printed) in [
        (
            "cannot connect with host=db user=ann password=hunter2 dbname=shop",
            "cannot connect with host=db user=ann password=REDACTED dbname=shop",
        ),
        (
            "PASSWORD = 'hun ter2\\' hunter2' dbname=shop",
            "PASSWORD = REDACTED dbname=shop",
        ),
        (
            "password='hun''ter2 hunter2', host",
            "password=REDACTED, host",
        ),
        ("password=hun;hunter2 port=5", "password=REDACTED port=5"),
        ("password='hunter2", "password=REDACTED"),
        (
            "Server=db;Password=hun hunter2;Database=shop",
            "Server=db;Password=REDACTED",
        ),
        (
            "Pwd=hun hunter2;Server=db on\nport",
            "Pwd=REDACTED on\nport",
        ),
        ("PWD={hun ter2;hunter2};Server=db", "PWD=REDACTED"),
        (
            "AccountName=a;AccountKey=hunter2==;Suffix=b",
            "AccountName=a;AccountKey=REDACTED",
        ),
        (
            r#"{"user":"ann","password":"hun\"hunter2","port":5}"#,
            r#"{"user":"ann","password":REDACTED,"port":5}"#,
        ),
        (
            "Config { password: Some(\"hunter2\"), api_key: \"hunter2\" }",
            "Config { password: Some(REDACTED), api_key: REDACTED }",
        ),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=REDACTED psql"),
        ("--client-secret=hunter2", "--client-secret=REDACTED"),
        (
            "aws.secretAccessKey=hunter2",
            "aws.secretAccessKey=REDACTED",
        ),
    ] {
        assert_eq!(text(input), printed, "{input}");
        assert!(!printed.contains("hunter2"));
    }
}

#[test]
fn passwords_with_reserved_characters_are_redacted() {
    for (input, printed) in [
        (
            "postgres://ann:123/hunter2@db/shop",
            "postgres://REDACTED@db/shop",
        ),
        (
            "postgres://ann:/hunter2@db/shop",
            "postgres://REDACTED@db/shop",
        ),
        (
            "(postgres://ann:hun(ter2)@db/shop)",
            "(postgres://REDACTED@db/shop)",
        ),
        (
            "postgres://ann:hun@x/ter2@db/shop",
            "postgres://REDACTED@db/shop",
        ),
        (
            "postgres://ann:hun://ter2@db/shop",
            "postgres://REDACTED@db/shop",
        ),
        (
            "postgres://ann:80?hunter2=x@db/shop",
            "postgres://ann:80?REDACTED",
        ),
        ("ann:hun(ter2)@db/shop", "REDACTED@db/shop"),
    ] {
        assert_eq!(text(input), printed, "{input}");
    }
}

#[test]
fn queries_in_text_are_redacted() {
    for (input, printed) in [
        (
            "no route for check/a?sig=hunter2",
            "no route for check/a?sig=REDACTED",
        ),
        ("stock:8081?token=hunter2.", "stock:8081?token=REDACTED."),
        (
            "query ?token=hunter2&b refused",
            "query ?token=REDACTED&REDACTED refused",
        ),
        ("a=hunter2&b=hunter2", "a=REDACTED&b=REDACTED"),
        (
            "(http://a/b?c=hun(ter)2), then",
            "(http://a/b?c=REDACTED), then",
        ),
        (
            "http://host:80/a?mail=ann@b",
            "http://host:80/a?mail=REDACTED",
        ),
    ] {
        let printed_twice = text(printed);
        assert_eq!(text(input), printed, "{input}");
        assert_eq!(printed_twice, printed, "{input}");
    }
}

#[test]
fn hostile_texts_cost_linear_time() {
    for part in [
        "a://",
        "a:x://",
        "a:1://",
        "a:1://a?@",
        "token=",
        "?token=1",
        "?token:'a'",
        "password=a ",
        "token:'",
        "a;password=",
        "@",
        "a:@",
        "&=",
        "password=a;b ",
        "x://a:1/@?",
    ] {
        let long = part.repeat(200_000 / part.len());
        let begun = std::time::Instant::now();
        for ending in ["", "@", "?@"] {
            let input = format!("{long}{ending}");
            text(&input);
            value(&input);
        }
        let elapsed = begun.elapsed();
        assert!(elapsed.as_secs() < 20, "{part}: {elapsed:?}");
    }
}

/// Pattern for the text before a URL or a connection string in a sentence.
const AROUND: &str = "(|error: |cannot connect to \\(|\"|url=|<|a b, )";
/// Pattern for all printable ASCII characters except those that end a URL.
const REST_OF_PASSWORD: &str = "[!#-;=?-_a-~]{0,12}";
/// Like [`REST_OF_PASSWORD`], but without the characters that end a value in a query.
const REST_OF_VALUE: &str = "[!$%'-:=@-_a-~]{0,12}";

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn any_text_can_be_redacted(input in ".*", more in "[@?#&;=:/ \"'\\\\{}()a\u{e9}]*") {
        for input in [&input, &more] {
            for secret in ["password=", "token: \"", "http://a:", "?b="] {
                let input = format!("{input}{secret}{more}");
                text(&input);
                value(&input);
            }
        }
    }

    #[test]
    fn no_password_of_value_is_left(before in "[ -~]*", after in "[ -~]*") {
        let url = format!("http://ann:{before}hunter2{after}@host/path");
        proptest::prop_assert!(!value(&url).contains("hunter2"), "{}", value(&url));
        let pairs = format!("host=db password={before}hunter2{after}");
        proptest::prop_assert!(!value(&pairs).contains("hunter2"), "{}", value(&pairs));
    }

    #[test]
    fn no_password_after_punctuation_is_left(before in "[ .,;:!?'\")\\]}>-]{0,4}") {
        let pairs = format!("host=db password={before} hunter2");
        proptest::prop_assert!(!value(&pairs).contains("hunter2"), "{}", value(&pairs));
    }

    #[test]
    fn no_password_of_url_is_left(
        around in AROUND,
        scheme in "(http|https|postgres|amqp\\+ssl|jdbc:postgresql)",
        before in REST_OF_PASSWORD,
        after in REST_OF_PASSWORD,
        tail in "(/a|:80/a\\?b=c|\\)|, \"x\"|>)?",
    ) {
        let password = format!("{before}hunter2{after}");
        let rest = password.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_like_path = rest.len() < password.len() && rest.starts_with(['/', '\\']);
        proptest::prop_assume!(!(is_like_path && rest.contains(['?', '#'])));
        let input = format!("{around}{scheme}://ann:{password}@db{tail}");
        proptest::prop_assert!(!text(&input).contains("hunter2"), "{input}: {}", text(&input));
    }

    #[test]
    fn no_password_without_scheme_is_left(
        around in AROUND,
        before in "[!$-.0-;=@-_a-~]{0,12}",
        after in "[!$-.0-;=@-_a-~]{0,12}",
    ) {
        let input = format!("{around}ann:{before}hunter2{after}@db/shop");
        proptest::prop_assert!(!text(&input).contains("hunter2"), "{input}: {}", text(&input));
    }

    #[test]
    fn no_value_of_query_is_left(
        around in AROUND,
        place in "(http://a/b\\?|https://a:80\\?x=y&|/a\\?|a/b\\?|stock:8081\\?x=y&|\\?|x=y&)",
        key in "[a-z_]{1,8}",
        before in REST_OF_VALUE,
        after in REST_OF_VALUE,
        tail in "(&b=c|\\)|, then|\")?",
    ) {
        let input = format!("{around}{place}{key}={before}hunter2{after}{tail}");
        proptest::prop_assert!(!text(&input).contains("hunter2"), "{input}: {}", text(&input));
    }

    #[test]
    fn no_secret_of_connection_string_is_left(
        around in AROUND,
        first in "(host=db user=ann |Server=db;|)",
        key in "(password|Password|PGPASSWORD|api_key|client[.]secret|AccountKey|pwd)",
        equals in "(=| = )",
        before in "[!-&(-z|~]{0,12}",
        after in "[!-~]{0,12}",
        tail in "( dbname=shop|;Server=db)?",
    ) {
        let input = format!("{around}{first}{key}{equals}{before}hunter2{after}{tail}");
        proptest::prop_assert!(!text(&input).contains("hunter2"), "{input}: {}", text(&input));
    }

    #[test]
    fn no_quoted_secret_is_left(
        around in AROUND,
        key in "(password|\"token\"|api_key)",
        separator in "(=| = |:|: |: Some\\()",
        quote in "['\"]",
        before in "[ -~]{0,12}",
        after in "[ -~]{0,12}",
        doubled: bool,
    ) {
        let escaped = if doubled {
            format!("{before}hunter2{after}").replace('\\', "/").replace(&quote, &quote.repeat(2))
        } else {
            format!("{before}hunter2{after}").replace('\\', "\\\\").replace(&quote, &format!("\\{quote}"))
        };
        let input = format!("{around}{key}{separator}{quote}{escaped}{quote} dbname=shop");
        proptest::prop_assert!(!text(&input).contains("hunter2"), "{input}: {}", text(&input));
    }
}
