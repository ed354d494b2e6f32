//! Ports that a provider maps to the outside, by the variables that it sets on a pod.

use crate::name::{EnvName, Port};
use std::collections::{BTreeMap, BTreeSet};

/// Providers' variables: the public address, and what stands before a port inside for the port outside.
pub const PROVIDERS: [(&str, &str); 2] =
    [("RUNPOD_PUBLIC_IP", "RUNPOD_TCP_PORT_"), ("PUBLIC_IPADDR", "VAST_TCP_PORT_")];

/// The ports inside that a provider maps to the outside; none where it maps none, or tells of none.
#[must_use]
pub fn mapped_ports(provider: &BTreeMap<EnvName, String>) -> BTreeSet<Port> {
    let port = |text: &str| text.trim().parse().ok().and_then(Port::new);
    let inside =
        |name: &EnvName| PROVIDERS.iter().find_map(|(_, prefix)| port(name.as_str().strip_prefix(prefix)?));
    provider
        .iter()
        .filter(|(_, outside)| port(outside).is_some())
        .filter_map(|(name, _)| inside(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_mapped_where_both_ends_are_ports() {
        let table = [
            ("", vec![]),
            ("RUNPOD_PUBLIC_IP=9.9.9.9 RUNPOD_TCP_PORT_22=40022 RUNPOD_TCP_PORT_8001=40123", vec![22, 8001]),
            ("PUBLIC_IPADDR=8.8.8.8 VAST_TCP_PORT_8080=41234", vec![8080]),
            ("VAST_TCP_PORT_8080=0 VAST_TCP_PORT_8081=x VAST_TCP_PORT_70000=41234 VAST_TCP_PORT_=1", vec![]),
        ];
        for (provider, expected) in table {
            let pairs = provider.split_whitespace().filter_map(|pair| pair.split_once('='));
            let provider = pairs.map(|(name, value)| (name.parse().unwrap(), value.to_owned())).collect();
            let ports: Vec<u16> = mapped_ports(&provider).into_iter().map(Port::get).collect();
            assert_eq!(ports, expected, "{provider:?}");
        }
    }
}
