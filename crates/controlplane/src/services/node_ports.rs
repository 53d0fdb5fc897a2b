//! Which node ports a Service takes, and which it gives back.

use std::collections::HashMap;

use pintle_api::core::v1::{Service, ServiceMut, ServiceSpec};
use pintle_api::validation::service::needs_health_check;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::Path;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::fields::needs_node_port;
use super::ports::{PortFault, Taken};
use super::{AllocationMetrics, Change, Ports, invalid_field};

/// All node ports that a Service has.
pub(super) fn of(spec: ServiceSpec<'_>) -> Vec<u16> {
    let mut numbers = numbers(spec);
    if needs_health_check(spec) {
        numbers.extend(port(spec.health_check_node_port()));
    }
    numbers
}

/// Those of its ports.
fn numbers(spec: ServiceSpec<'_>) -> Vec<u16> {
    spec.ports()
        .iter()
        .filter_map(|found| port(found.node_port()))
        .collect()
}

/// A port, if it is one.
fn port(number: i32) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port != 0)
}

/// Whether the type may have node ports, asked for or not.
fn has_node_ports(spec: ServiceSpec<'_>) -> bool {
    matches!(spec.type_(), "NodePort" | "LoadBalancer")
}

/// Takes what `new` needs, writes it into it, and says what was taken and what `old` had that is free now.
///
/// # Errors
/// 422 for a port that cannot be had, 500 if none is left.
pub(super) async fn take(
    cx: &RequestContext,
    ports: &Ports,
    new: &mut Record,
    old: Option<&Record>,
) -> Result<Change<u16>, ApiError> {
    let service = Service::from_record(new);
    let (spec, had) = (
        service.spec(),
        old.map(|old| Service::from_record(old).spec()),
    );
    let mut change = Change::default();
    let plan = if !needs_any(spec, had) {
        None
    } else if cx.dry_run {
        let taken = ports.taken().await?;
        let mut stock = Dry {
            taken: &taken,
            given: Vec::new(),
        };
        Some(Plan::make(spec, had, &mut stock))
    } else {
        let random = cx.environment.random.bits();
        let decide = |taken: &mut Taken| Plan::make(spec, had, &mut Real { taken, random });
        Some(ports.change(decide).await?)
    };
    if !cx.dry_run {
        count(ports.counted(), spec, plan.as_ref());
    }
    let plan = plan
        .transpose()
        .map_err(|refusal| refusal.into_error(service))?;
    if let Some(had) = had {
        change.released = released(spec, had);
    }
    if let Some(plan) = plan {
        change.taken.clone_from(&plan.taken);
        plan.write(new);
    }
    Ok(change)
}

fn count(counted: &AllocationMetrics, spec: ServiceSpec<'_>, plan: Option<&Result<Plan, Refusal>>) {
    match plan {
        Some(Ok(plan)) => {
            let named = numbers(spec);
            let is_named = |taken: &u16| named.contains(taken);
            plan.taken
                .iter()
                .for_each(|taken| counted.port(true, is_named(taken)));
        }
        Some(Err(refusal)) => counted.port(false, matches!(refusal, Refusal::Port { .. })),
        None => {}
    }
}

/// Whether a port is to be taken at all.
fn needs_any(spec: ServiceSpec<'_>, old: Option<ServiceSpec<'_>>) -> bool {
    let had = old.map(numbers).unwrap_or_default();
    let wants = |number: i32| match port(number) {
        None => needs_node_port(spec),
        Some(port) => !had.contains(&port),
    };
    let health = needs_health_check(spec) && !old.is_some_and(needs_health_check);
    let several = spec.ports().len() > 1;
    health
        || has_node_ports(spec)
            && (several || spec.ports().iter().any(|found| wants(found.node_port())))
}

fn released(spec: ServiceSpec<'_>, old: ServiceSpec<'_>) -> Vec<u16> {
    let kept = if has_node_ports(spec) {
        numbers(spec)
    } else {
        Vec::new()
    };
    let mut free = if has_node_ports(old) {
        numbers(old)
    } else {
        Vec::new()
    };
    free.retain(|port| !kept.contains(port));
    if needs_health_check(old) && !needs_health_check(spec) {
        free.extend(port(old.health_check_node_port()));
    }
    free
}

/// What ports are taken from.
trait Stock {
    fn take(&mut self, port: i32) -> Result<(), PortFault>;
    fn take_any(&mut self) -> Result<u16, PortFault>;
}

struct Real<'a> {
    taken: &'a mut Taken,
    random: u64,
}

impl Stock for Real<'_> {
    fn take(&mut self, number: i32) -> Result<(), PortFault> {
        let fault = PortFault::NotInRange(self.taken.range());
        self.taken.take(port(number).ok_or(fault)?)
    }

    fn take_any(&mut self) -> Result<u16, PortFault> {
        self.taken.take_any(self.random)
    }
}

/// Takes nothing. What would be given is not known; it is shown as ports beyond all that there are, from 32769 on.
struct Dry<'a> {
    taken: &'a Taken,
    given: Vec<u16>,
}

impl Stock for Dry<'_> {
    fn take(&mut self, number: i32) -> Result<(), PortFault> {
        let Some(port) = port(number) else {
            return Ok(());
        };
        if self.taken.has(port) || self.given.contains(&port) {
            return Err(PortFault::Taken);
        }
        self.given.push(port);
        Ok(())
    }

    fn take_any(&mut self) -> Result<u16, PortFault> {
        let last = self.given.iter().max().copied().unwrap_or(32_768);
        let next = last.saturating_add(1);
        self.given.push(next);
        Ok(next)
    }
}

/// Why a Service does not get its ports.
enum Refusal {
    /// It asks for one that it cannot have.
    Port {
        at: usize,
        port: i32,
        fault: PortFault,
    },
    /// It is not its own fault.
    Internal(String),
    /// It has one twice.
    Duplicate(String),
}

impl Refusal {
    fn into_error(self, service: Service<'_>) -> ApiError {
        match self {
            Self::Port { at, port, fault } => {
                let ports = Path::new("spec.ports");
                let (index, why) = (ports.index(at), fault.to_string());
                invalid_field(service, &index.child("nodePort"), port, why)
            }
            Self::Internal(why) => ApiError::internal(why),
            Self::Duplicate(why) => ApiError::unknown(why),
        }
    }
}

/// What a Service gets.
#[derive(Default)]
struct Plan {
    /// For each port, zero for none.
    ports: Vec<i32>,
    health: Option<i32>,
    taken: Vec<u16>,
}

impl Plan {
    fn make(
        spec: ServiceSpec<'_>,
        old: Option<ServiceSpec<'_>>,
        stock: &mut dyn Stock,
    ) -> Result<Self, Refusal> {
        let mut plan = Self {
            ports: spec.ports().iter().map(|found| found.node_port()).collect(),
            ..Self::default()
        };
        if has_node_ports(spec) {
            match old {
                None => plan.first(spec, stock)?,
                Some(old) => plan.next(spec, &numbers(old), stock)?,
            }
        }
        if needs_health_check(spec) && !old.is_some_and(needs_health_check) {
            plan.health(spec, stock)?;
        }
        Ok(plan)
    }

    /// The ports of a new Service. Those of one number in several protocols get one node port.
    fn first(&mut self, spec: ServiceSpec<'_>, stock: &mut dyn Stock) -> Result<(), Refusal> {
        let mut by_port: HashMap<i32, i32> = HashMap::new();
        for (at, found) in spec.ports().iter().enumerate() {
            let asked = found.node_port();
            if asked == 0 && !needs_node_port(spec) {
                continue;
            }
            match by_port.get(&found.port()).copied() {
                None => {
                    let same = spec.ports().iter().find_map(|other| {
                        let given = other.port() == found.port() && other.node_port() != 0;
                        given.then(|| other.node_port())
                    });
                    let number = match same {
                        Some(asked) => self.take(at, asked, stock)?,
                        None => self.take_any(stock)?,
                    };
                    self.ports[at] = number;
                    by_port.insert(found.port(), number);
                }
                Some(given) if asked == 0 => self.ports[at] = given,
                Some(given) if asked != given => {
                    self.take(at, asked, stock)?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The ports of a Service that has some.
    fn next(
        &mut self,
        spec: ServiceSpec<'_>,
        had: &[u16],
        stock: &mut dyn Stock,
    ) -> Result<(), Refusal> {
        let mut seen = Vec::new();
        for (at, found) in spec.ports().iter().enumerate() {
            let asked = found.node_port();
            if asked == 0 {
                if !needs_node_port(spec) {
                    continue;
                }
                self.ports[at] = self.take_any(stock)?;
            } else if !port(asked)
                .is_some_and(|port| had.contains(&port) || self.taken.contains(&port))
            {
                self.take(at, asked, stock)?;
            }
            let pair = (found.protocol(), self.ports[at]);
            if seen.contains(&pair) {
                let why = format!("duplicate nodePort: {{{} {}}}", pair.0, pair.1);
                return Err(Refusal::Duplicate(why));
            }
            seen.push(pair);
        }
        Ok(())
    }

    fn health(&mut self, spec: ServiceSpec<'_>, stock: &mut dyn Stock) -> Result<(), Refusal> {
        let asked = spec.health_check_node_port();
        if asked == 0 {
            let free = stock.take_any().map_err(|fault| {
                Refusal::Internal(format!(
                    "failed to allocate a HealthCheck NodePort 0: {fault}"
                ))
            })?;
            self.taken.push(free);
            self.health = Some(free.into());
            return Ok(());
        }
        stock.take(asked).map_err(|fault| {
            let why = format!("failed to allocate requested HealthCheck NodePort {asked}: {fault}");
            Refusal::Internal(why)
        })?;
        self.taken.extend(port(asked));
        Ok(())
    }

    fn take(&mut self, at: usize, asked: i32, stock: &mut dyn Stock) -> Result<i32, Refusal> {
        let refuse = |fault| Refusal::Port {
            at,
            port: asked,
            fault,
        };
        stock.take(asked).map_err(refuse)?;
        self.taken.extend(port(asked));
        Ok(asked)
    }

    fn take_any(&mut self, stock: &mut dyn Stock) -> Result<i32, Refusal> {
        let free = stock.take_any().map_err(|fault| {
            Refusal::Internal(format!("failed to allocate a nodePort: {fault}"))
        })?;
        self.taken.push(free);
        Ok(free.into())
    }

    fn write(self, new: &mut Record) {
        let mut service = ServiceMut::from_record(new);
        let mut spec = service.spec_mut();
        for (mut port, number) in spec.ports_mut().iter_mut().zip(self.ports) {
            if number != 0 {
                port.set_node_port(number);
            }
        }
        if let Some(port) = self.health {
            spec.set_health_check_node_port(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PortRange;
    use super::super::fields::tests::service;
    use super::*;

    /// What the ports of `new` become after `old`, with 30000 to 30009 to give away and 30001 taken.
    #[track_caller]
    fn check(old: Option<&str>, new: &str, expected: &str) {
        let (old, new) = (old.map(service), service(new));
        let range = PortRange::new(30_000, 30_009).expect("a range");
        let mut taken = Taken::none(range);
        taken.take(30_001).expect("free");
        let spec = Service::from_record(&new).spec();
        let had = old.as_ref().map(|old| Service::from_record(old).spec());
        let mut stock = Real {
            taken: &mut taken,
            random: 5,
        };
        let found = match Plan::make(spec, had, &mut stock) {
            Ok(plan) => format!("{:?} {:?} {:?}", plan.ports, plan.health, plan.taken),
            Err(refusal) => refusal.into_error(Service::from_record(&new)).to_string(),
        };
        let free = had
            .map(|had| released(spec, had))
            .filter(|free| !free.is_empty());
        let free = free.map_or_else(String::new, |free| format!(" free {free:?}"));
        assert_eq!(format!("{found}{free}"), expected);
    }

    #[test]
    fn a_new_service_gets_what_it_asks_for_or_anything() {
        check(None, r#"{"ports":[{"port":1}]}"#, "[0] None []");
        check(
            None,
            r#"{"type":"NodePort","ports":[{"port":1}]}"#,
            "[30005] None [30005]",
        );
        check(
            None,
            r#"{"type":"NodePort","ports":[{"name":"a","port":1},{"name":"b","port":1,"protocol":"UDP"},{"name":"c","port":2}]}"#,
            "[30005, 30005, 30006] None [30005, 30006]",
        );
        check(
            None,
            r#"{"type":"NodePort","ports":[{"name":"a","port":1},{"name":"b","port":1,"protocol":"UDP","nodePort":30007}]}"#,
            "[30007, 30007] None [30007]",
        );
        check(
            None,
            r#"{"type":"NodePort","ports":[{"port":1,"nodePort":30001}]}"#,
            "Service \"a\" is invalid: spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated",
        );
        check(
            None,
            r#"{"type":"NodePort","ports":[{"port":1,"nodePort":99}]}"#,
            "Service \"a\" is invalid: spec.ports[0].nodePort: Invalid value: 99: provided port is not in the valid range. \
             The range of valid ports is 30000-30009",
        );
    }

    #[test]
    fn load_balancers_may_do_without() {
        let without =
            r#"{"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"ports":[{"port":1}]}"#;
        check(None, without, "[0] None []");
        check(
            None,
            r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"port":1}]}"#,
            "[30005] Some(30006) [30005, 30006]",
        );
        check(
            None,
            r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local","healthCheckNodePort":30001,"ports":[{"port":1}]}"#,
            "Internal error occurred: failed to allocate requested HealthCheck NodePort 30001: provided port is already \
             allocated",
        );
    }

    #[test]
    fn a_change_takes_and_frees_the_difference() {
        let old = r#"{"type":"NodePort","ports":[{"name":"a","port":1,"nodePort":30001},{"name":"b","port":2,"nodePort":30002}]}"#;
        check(Some(old), old, "[30001, 30002] None []");
        check(
            Some(old),
            r#"{"type":"NodePort","ports":[{"name":"a","port":1,"nodePort":30001},{"name":"c","port":3}]}"#,
            "[30001, 30005] None [30005] free [30002]",
        );
        check(
            Some(old),
            r#"{"type":"ClusterIP","ports":[{"name":"a","port":1}]}"#,
            "[0] None [] free [30001, 30002]",
        );
        check(
            Some(old),
            r#"{"type":"NodePort","ports":[{"name":"a","port":1,"nodePort":30001},{"name":"c","port":3,"nodePort":30001}]}"#,
            "duplicate nodePort: {TCP 30001} free [30002]",
        );
        let checked = r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local","healthCheckNodePort":30004,"ports":[{"port":1,"nodePort":30003}]}"#;
        check(
            Some(checked),
            r#"{"type":"LoadBalancer","ports":[{"port":1,"nodePort":30003}]}"#,
            "[30003] None [] free [30004]",
        );
    }
}
