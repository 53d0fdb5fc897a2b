//! A network namespace for etcd, with a cable to each of two servers that can be pulled.

use std::process::Command;

/// Two cables from this machine's network to a namespace of its own, which is gone with this.
pub(crate) struct Cables {
    namespace: String,
    /// The third number of the addresses, which are `10.213.…`.
    network: u32,
}

/// Who pulls one cable leaves the other.
const CABLES: u32 = 2;

impl Cables {
    /// Lays them.
    ///
    /// # Errors
    /// Where this may not be done, in words.
    pub(crate) fn lay() -> Result<Self, String> {
        let id = std::process::id();
        let cables = Self {
            namespace: format!("pintle-{id}"),
            network: id % 256,
        };
        let name = &cables.namespace;
        ip(&format!("netns add {name}"))?;
        ip(&format!("-n {name} link set lo up"))?;
        for at in 0..CABLES {
            let near = format!("pt{}-{at}", id % 1_000_000);
            ip(&format!(
                "link add {near} type veth peer name far{at} netns {name}"
            ))?;
            let [here, there] = [cables.host(at, 1), cables.host(at, 2)];
            ip(&format!("addr add {here}/30 dev {near}"))?;
            ip(&format!("link set {near} up"))?;
            ip(&format!("-n {name} addr add {there}/30 dev far{at}"))?;
            ip(&format!("-n {name} link set far{at} up"))?;
        }
        Ok(cables)
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where who listens in the namespace is reached over a cable.
    pub(crate) fn address(&self, at: u32) -> String {
        format!("http://{}:2379", self.host(at, 2))
    }

    /// What is sent over it from now on is lost, and nobody is told.
    pub(crate) fn pull(&self, at: u32) {
        self.set(at, "down");
    }

    pub(crate) fn plug_in(&self, at: u32) {
        self.set(at, "up");
    }

    fn set(&self, at: u32, state: &str) {
        let name = &self.namespace;
        ip(&format!("-n {name} link set far{at} {state}")).expect("the cable is there");
    }

    fn host(&self, at: u32, end: u32) -> String {
        format!("10.213.{}.{}", self.network, 4 * at + end)
    }
}

impl Drop for Cables {
    fn drop(&mut self) {
        // The cables go with it.
        let _ = ip(&format!("netns del {}", self.namespace));
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {arguments}: {}", said.trim()))
}
