//! Where clients reach a server: its pod's public name, and the port that this has outside.

use crate::manifest::Pod;
use crate::name::{EnvName, Port};
use crate::observe::PROVIDERS;
use crate::spec::ServerSpec;
use std::collections::BTreeMap;
use std::fmt;

/// A host and a port, as seen from outside the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The port outside, which a provider may map.
    pub port: Port,
}

impl Address {
    /// What OpenAI's clients call the base url: `http://1.2.3.4:8001/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{self}/v1")
    }
}

impl fmt::Display for Address {
    /// `1.2.3.4:8001`, `[::1]:8001`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Where clients reach a server. `ssh_host` is the machine that ssh connects to, none for `local`; `provider` are the
/// variables that were found on the pod. The manifest's own words come first.
#[must_use]
pub fn address(
    pod: &Pod,
    provider: &BTreeMap<EnvName, String>,
    spec: &ServerSpec,
    ssh_host: Option<&str>,
) -> Address {
    let mapped = mapped(provider, spec.port);
    let here = || ssh_host.map_or_else(|| spec.ask_at().to_string(), str::to_owned);
    let host = match (&pod.host, pod.ports.get(&spec.port), &mapped) {
        (Some(host), _, _) => host.clone(),
        (None, None, Some((Some(public), _))) => public.clone(),
        (None, _, _) => here(),
    };
    let outside = pod.ports.get(&spec.port).copied().or(mapped.map(|(_, port)| port));
    Address { host, port: outside.unwrap_or(spec.port) }
}

/// The public address, if it is told, and the port outside, where the provider maps this one.
fn mapped(provider: &BTreeMap<EnvName, String>, port: Port) -> Option<(Option<String>, Port)> {
    let value = |name: &str| provider.get(&EnvName::parse(name).ok()?).map(String::as_str);
    PROVIDERS.iter().find_map(|(public, ports)| {
        let outside = value(&format!("{ports}{port}"))?.trim().parse().ok().and_then(Port::new)?;
        Some((value(public).map(str::trim).filter(|text| is_host(text)).map(str::to_owned), outside))
    })
}

/// What the pod says of itself ends in a url that people run: nothing else may stand there.
fn is_host(text: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    !text.is_empty() && text.chars().all(ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;
    use std::path::Path;

    fn spec(listen: &str) -> ServerSpec {
        serde_json::from_value(serde_json::json!({
            "name": "qwen", "project": "p", "kind": "vllm", "engine": null, "model": "a/b", "commit": null,
            "context": null, "memory": null, "gpus": [], "listen": listen, "port": 8001, "key": "open", "args": [],
            "command": [], "env": {}
        }))
        .unwrap()
    }

    #[test]
    fn clients_come_from_outside() {
        let runpod = "RUNPOD_PUBLIC_IP=9.9.9.9 RUNPOD_TCP_PORT_22=40022 RUNPOD_TCP_PORT_8001=40123";
        let vast = "PUBLIC_IPADDR=8.8.8.8 VAST_TCP_PORT_8001=41234";
        let table = [
            ("", "", Some("1.2.3.4"), "http://1.2.3.4:8001/v1"),
            ("host = \"gpu.example\"", "", Some("1.2.3.4"), "http://gpu.example:8001/v1"),
            ("ports = { 8001 = 5 }", "", Some("1.2.3.4"), "http://1.2.3.4:5/v1"),
            ("", runpod, Some("1.2.3.4"), "http://9.9.9.9:40123/v1"),
            ("", vast, Some("1.2.3.4"), "http://8.8.8.8:41234/v1"),
            (
                "",
                "RUNPOD_PUBLIC_IP=9.9.9.9 RUNPOD_TCP_PORT_22=40022",
                Some("1.2.3.4"),
                "http://1.2.3.4:8001/v1",
            ),
            (
                "",
                "RUNPOD_PUBLIC_IP=$(x) RUNPOD_TCP_PORT_8001=40123",
                Some("1.2.3.4"),
                "http://1.2.3.4:40123/v1",
            ),
            ("", "VAST_TCP_PORT_8001=0", Some("1.2.3.4"), "http://1.2.3.4:8001/v1"),
            // the manifest's own words come first, each where it says something
            ("ports = { 8001 = 5 }", runpod, Some("1.2.3.4"), "http://1.2.3.4:5/v1"),
            ("host = \"gpu.example\"", runpod, Some("1.2.3.4"), "http://gpu.example:40123/v1"),
            ("", "", Some("fd00::7"), "http://[fd00::7]:8001/v1"),
            ("", "", None, "http://127.0.0.1:8001/v1"),
        ];
        for (lines, provider, ssh_host, expected) in table {
            let text = format!("[pods.dc1]\nssh = \"root@1.2.3.4\"\n{lines}\n");
            let manifest = parse("pi.toml", &text, Path::new("/work/team")).unwrap();
            let provider = provider.split_whitespace().filter_map(|pair| pair.split_once('='));
            let provider = provider.map(|(name, value)| (name.parse().unwrap(), value.to_owned())).collect();
            let pod = manifest.pods.values().next().unwrap();
            let url = address(pod, &provider, &spec("0.0.0.0"), ssh_host).base_url();
            assert_eq!(url, expected, "{lines} {provider:?}");
        }
    }

    #[test]
    fn a_local_pod_is_asked_where_its_server_listens() {
        let manifest = parse("pi.toml", "[pods.here]\nssh = \"local\"\n", Path::new("/work/team")).unwrap();
        let pod = manifest.pods.values().next().unwrap();
        for (listen, url) in [
            ("127.0.0.1", "http://127.0.0.1:8001/v1"),
            ("::", "http://[::1]:8001/v1"),
            ("10.0.0.5", "http://10.0.0.5:8001/v1"),
        ] {
            assert_eq!(address(pod, &BTreeMap::new(), &spec(listen), None).base_url(), url);
        }
    }
}
