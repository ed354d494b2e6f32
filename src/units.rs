//! Quantities as people write them and as pi prints them: `640 GiB`, `32k`, `90%`, `10m`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// Why a text is not the quantity it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not {what}; {expected}")]
pub struct BadQuantity {
    text: String,
    what: &'static str,
    expected: &'static str,
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// A number of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tokens(pub u32);

/// A share, in hundredths of a percent: `92.5%` is 9250.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(u16);

/// A length of time in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub u64);

/// How much a server's log may take on its pod, all its files together: from 10 MB to 1 TB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogLimit(Bytes);

const BYTE_UNITS: [(&str, u64); 10] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

impl Bytes {
    /// Reads `640 GiB`, `1.5TB`, `12.3 kB`, `512 B`; a unit is needed.
    pub fn parse(text: &str) -> Result<Self, BadQuantity> {
        let bad = || BadQuantity {
            text: text.to_owned(),
            what: "a size",
            expected: "write it as `640 GiB` or `1.5 TB` (KiB, MiB, GiB, TiB, KB, MB, GB, TB)",
        };
        let (unit, factor) = BYTE_UNITS.iter().find(|(unit, _)| text.ends_with(unit)).ok_or_else(bad)?;
        let number = text.strip_suffix(unit).unwrap_or(text).trim();
        scaled(number, *factor).map(Self).ok_or_else(bad)
    }

    /// In binary gibibytes, as GPU memory is counted.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for display; 2^53 bytes are 8 PiB")]
    pub fn gib(self) -> f64 {
        self.0 as f64 / f64::from(1 << 30)
    }
}

impl LogLimit {
    /// Reads a size as [`Bytes::parse`]. With less than 10 MB the cause of a failed start, which is looked for in the
    /// first and the last part of the log, may be cut away.
    pub fn parse(text: &str) -> Result<Self, BadQuantity> {
        let fits = |bytes: &Bytes| (10_000_000..=1_000_000_000_000).contains(&bytes.0);
        Bytes::parse(text.trim()).ok().filter(fits).map(Self).ok_or_else(|| BadQuantity {
            text: text.to_owned(),
            what: "a limit for logs",
            expected: "write it as `100 MB` or `2 GB`, from 10 MB to 1 TB",
        })
    }

    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> Bytes {
        self.0
    }
}

impl Default for LogLimit {
    fn default() -> Self {
        Self(Bytes(100_000_000))
    }
}

impl fmt::Display for Bytes {
    /// Decimal, as disks and downloads are counted: `65.5 GB`, `512 B`.
    #[expect(clippy::cast_precision_loss, reason = "for display; 2^53 bytes are 9 PB")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
        // 999.95 kB and more would be rounded to 1000.0: they read better in the next unit
        match units.iter().find(|(_, size)| self.0 as f64 >= size * 0.999_95) {
            Some((unit, size)) => write!(f, "{:.1} {unit}", self.0 as f64 / size),
            None => write!(f, "{} B", self.0),
        }
    }
}

impl Tokens {
    /// Reads `32k` (32 × 1024), `1M` (1024 × 1024), `131072` or `131,072`; 0 is refused.
    pub fn parse(text: &str) -> Result<Self, BadQuantity> {
        let bad = || BadQuantity {
            text: text.to_owned(),
            what: "a number of tokens",
            expected: "write it as `32k` (32768), `1M` (1048576) or as a number from 1 on",
        };
        let (number, factor) = match text.trim() {
            text if text.ends_with(['k', 'K']) => (&text[..text.len() - 1], 1 << 10),
            text if text.ends_with(['m', 'M']) => (&text[..text.len() - 1], 1 << 20),
            text => (text, 1),
        };
        let count: u32 = ungrouped(number.trim()).and_then(|digits| digits.parse().ok()).ok_or_else(bad)?;
        count.checked_mul(factor).filter(|n| *n > 0).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1024) { write!(f, "{}k", self.0 / 1024) } else { write!(f, "{}", self.0) }
    }
}

impl Percent {
    /// Reads `90%`, `92.5%`, and without the sign what engines and people write: `0.9` and `90`. More than 0, at most
    /// 100 %; between 1 and 2 it could be either, and is refused.
    pub fn parse(text: &str) -> Result<Self, BadQuantity> {
        let bad = || BadQuantity {
            text: text.to_owned(),
            what: "a share",
            expected: "write it as `90%` or `0.9`, more than 0 and at most 100%",
        };
        let number = text.trim();
        let hundredths = match number.strip_suffix('%') {
            Some(percent) => scaled(percent.trim_end(), 100),
            None => scaled(number, 10_000)
                .filter(|share| *share <= 10_000)
                .or_else(|| scaled(number, 100).filter(|percent| *percent >= 200)),
        };
        let hundredths = hundredths.and_then(|hundredths| u16::try_from(hundredths).ok());
        hundredths.filter(|n| (1..=10_000).contains(n)).map(Self).ok_or_else(bad)
    }

    /// In hundredths of a percent, 1 to 10000, for exact sums.
    #[must_use]
    pub fn hundredths(self) -> u32 {
        u32::from(self.0)
    }

    /// As a fraction: `90%` is 0.9.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 100.0)
    }
}

impl Seconds {
    /// Reads `90s`, `10m`, `2h`, `1m 20s`, `1h30m`; 0 is refused.
    pub fn parse(text: &str) -> Result<Self, BadQuantity> {
        let bad = || BadQuantity {
            text: text.to_owned(),
            what: "a length of time",
            expected: "write it as `90s`, `10m`, `2h` or `1m 20s`",
        };
        let (mut rest, mut total) = (text.trim(), 0_u64);
        // the larger unit comes first, and each once
        for (unit, factor) in [('h', 3600), ('m', 60), ('s', 1)] {
            if let Some((number, behind)) = rest.split_once(unit) {
                let number: u64 = number.trim_end().parse().map_err(|_| bad())?;
                let part = number.checked_mul(factor).and_then(|part| total.checked_add(part));
                (total, rest) = (part.ok_or_else(bad)?, behind.trim_start());
            }
        }
        if rest.is_empty() && total > 0 { Ok(Self(total)) } else { Err(bad()) }
    }

    /// For timers.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for Seconds {
    /// `45s`, `3m 5s`, `2h 10m`: the two largest units.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        match (hours, minutes, seconds) {
            (0, 0, s) => write!(f, "{s}s"),
            (0, m, 0) => write!(f, "{m}m"),
            (0, m, s) => write!(f, "{m}m {s}s"),
            (h, 0, _) => write!(f, "{h}h"),
            (h, m, _) => write!(f, "{h}h {m}m"),
        }
    }
}

/// A whole number without the separators of its groups of three digits: `131,072` is `131072`.
fn ungrouped(number: &str) -> Option<String> {
    let mut groups = number.split([',', '_']);
    let first = groups.next().filter(|first| !first.is_empty())?;
    let rest: Vec<&str> = groups.collect();
    let digits = first.bytes().chain(rest.iter().flat_map(|group| group.bytes()));
    let grouped = rest.is_empty() || first.len() <= 3 && rest.iter().all(|group| group.len() == 3);
    (grouped && digits.clone().all(|digit| digit.is_ascii_digit())).then(|| digits.map(char::from).collect())
}

/// `number × factor`, exactly: a decimal with at most six places, never negative.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.len() <= 15 && s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 6 || number.ends_with('.') {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    let fraction = part.checked_mul(factor)? / 1_000_000;
    whole.checked_mul(factor)?.checked_add(fraction)
}

/// `once`, `twice`, `3 times`
#[must_use]
pub fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

#[cfg(test)]
mod tests;
