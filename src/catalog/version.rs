//! Engine versions, ordered: `0.9.2` comes before `0.10.0`.

use std::fmt;

/// A version's release numbers. What follows them (`.post1`, `rc2`, `+cu129`) does not count here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(Vec<u32>);

impl Version {
    /// Reads the numbers at the beginning of `0.32.0`, `v0.10.1.1`, `0.11.1.post1+cu128`; `None` if there are none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('v');
        let numbers: Vec<u32> = text.split('.').map_while(|part| part.parse().ok()).collect();
        // `0.14.0rc2`: the number before the letters still belongs to the release
        let rest = text.split('.').nth(numbers.len()).unwrap_or_default();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let numbers: Vec<u32> = numbers.into_iter().chain(digits.parse().ok()).collect();
        (!numbers.is_empty()).then_some(Self(numbers))
    }

    /// The first release of a minor version: `0.32.0`.
    #[must_use]
    pub fn from_minor(major: u32, minor: u32) -> Self {
        Self(vec![major, minor, 0])
    }

    /// The first two numbers, which name a minor release: `0.32`.
    #[must_use]
    pub fn minor(&self) -> (u32, u32) {
        (self.0.first().copied().unwrap_or(0), self.0.get(1).copied().unwrap_or(0))
    }

    /// Whether it is `major.minor` or newer.
    #[must_use]
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        self.minor() >= (major, minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.pad(&numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        let table = [
            ("0.32.0", "0.32.0"),
            ("v0.10.1.1", "0.10.1.1"),
            ("0.11.1.post1+cu128", "0.11.1"),
            ("0.14.0rc2.dev348", "0.14.0"),
            ("nightly", ""),
            ("", ""),
        ];
        for (text, shown) in table {
            assert_eq!(Version::parse(text).map(|v| v.to_string()).unwrap_or_default(), shown, "{text}");
        }
        let v = |text| Version::parse(text).unwrap();
        assert!(v("0.9.2") < v("0.10.0") && v("0.10.1") < v("0.10.1.1") && v("0.32.0") < v("0.33.0"));
        assert!(v("0.14.1").at_least(0, 14) && !v("0.9.2").at_least(0, 10));
    }
}
