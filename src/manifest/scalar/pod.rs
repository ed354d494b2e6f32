//! Values about pods.

use super::{number, text};
use crate::manifest::types::GpuWish;
use crate::manifest::value::{Refusal, Scalar, string};
use crate::ssh_target::SshTarget;
use std::net::IpAddr;
use toml::de::DeValue;

impl Scalar for SshTarget {
    const EXPECTED: &'static str = "an ssh line in quotes";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        Self::parse(text(value)?).map_err(|bad| {
            Refusal::because(format!("cannot use this ssh line: {bad}")).help(
                r#"write "ssh -p 2222 root@1.2.3.4", a Host of ~/.ssh/config, or "local" for this machine"#,
            )
        })
    }
}

/// `price = 2.49`.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Price(pub(in crate::manifest) f64);

impl Scalar for Price {
    const EXPECTED: &'static str = "a price per hour, 0 or more";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let price = number(value).filter(|n| n.is_finite() && *n >= 0.0);
        let help = string(value).map(|_| "write a number, without quotes and currency".to_owned());
        price.map(Self).ok_or(Refusal { message: None, help })
    }
}

/// `host = "1.2.3.4"`.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct Host(pub(in crate::manifest) String);

impl Scalar for Host {
    const EXPECTED: &'static str = "a host name or an address";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = text(value)?;
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.parse::<IpAddr>().is_ok()
            || (text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(name))
        {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::mismatch().help(r#"the host alone, such as "1.2.3.4": no http://, no user, no port"#))
    }
}

impl Scalar for GpuWish {
    const EXPECTED: &'static str = r#"a count and a kind of GPUs such as "8xH100""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = text(value).map_err(|_| Refusal::mismatch())?;
        let no_count =
            !text.trim_start().starts_with(|c: char| c.is_ascii_digit()) && !text.trim().is_empty();
        let help = no_count.then(|| format!("how many? \"1x{}\"", text.trim()));
        Self::parse(text).ok_or(Refusal { message: None, help })
    }
}
