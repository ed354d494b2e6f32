//! Who answers at an address: by the parsed URL, never by how it is spelled.

use reqwest::Url;
use std::net::IpAddr;

/// Whether a token for whoever answers at `a` may go to `b`: the same scheme, host and port, and no other user.
#[must_use]
pub fn is_same(a: &Url, b: &Url) -> bool {
    let user = |url: &Url| (url.username().to_owned(), url.password().map(str::to_owned));
    a.origin() == b.origin() && (user(b) == user(a) || user(b) == (String::new(), None))
}

/// Whether it is this machine, where no proxy is between.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn a_token_goes_to_the_same_scheme_host_and_port_alone() {
        let hub = "https://hub.example";
        let table = [
            (hub, "https://hub.example/api?cursor=a", true),
            (hub, "https://HUB.example:443/api", true),
            (hub, "HTTPS://hub.example/", true),
            (hub, "https://hub.example\\@evil.example/", true), // the backslash is a slash: the rest is a path
            (hub, "https://hub.example:444/api", false),
            (hub, "http://hub.example/api", false),
            (hub, "http://hub.example:443/api", false),
            (hub, "https://hub.example.evil.example/", false),
            (hub, "https://hub.example./", false),
            (hub, "https://hub.example@evil.example/", false),
            (hub, "https://hub.example:443@evil.example/", false),
            (hub, "https://user:word@hub.example/", false),
            (hub, "https://evil.example/https://hub.example", false),
            (hub, "https://evil.example#@hub.example", false),
            (hub, "https://evil.example?hub.example", false),
            (hub, "https://hub.example%00.evil.example/", false),
            (hub, "https://hub\u{3002}example/", true), // IDNA maps the ideographic full stop
            (hub, "https://hub.ex\u{430}mple/", false),
            (hub, "wss://hub.example/", false),
            (hub, "ftp://hub.example/", false),
            (hub, "data:text/plain,hub.example", false),
            ("http://127.0.0.1:80", "http://127.0.0.1:8080/", false),
            ("http://127.0.0.1:80", "http://127.0.0.1/", true),
            ("http://127.0.0.1:80", "http://0x7f.1/", true),
            ("http://127.0.0.1:80", "http://localhost/", false),
            ("http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080/", true),
            ("https://user:word@hub.example", "https://hub.example/", true),
            ("https://user:word@hub.example", "https://user:word@hub.example/x", true),
            ("https://user:word@hub.example", "https://other:word@hub.example/x", false),
        ];
        for (from, to, expected) in table {
            let same = Url::parse(to).is_ok_and(|to| is_same(&Url::parse(from).unwrap(), &to));
            assert_eq!(same, expected, "{from} → {to}");
        }
        let base = Url::parse("https://hub.example/api/models/a/b/tree/c").unwrap();
        for (link, expected) in
            [("/api?x", true), ("?cursor=b", true), ("//evil.example/", false), ("/\\evil.example", false)]
        {
            assert_eq!(is_same(&base, &base.join(link).unwrap()), expected, "{link}");
        }
    }

    #[test]
    fn this_machine_is_told_by_its_address() {
        for (url, expected) in [
            ("http://127.0.0.1:80/x", true),
            ("http://127.9.9.9", true),
            ("http://localhost:1", true),
            ("http://LOCALHOST", true),
            ("http://[::1]:80", true),
            ("http://127.0.0.1.evil.example", false),
            ("http://localhost.evil.example", false),
            ("http://127.0.0.1@evil.example", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }
}
