//! Probes, and what is done when a container starts and stops.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{http_header_name, port_name, port_number};
use pintle_runtime::object_meta::validate_nonnegative;
use pintle_runtime::view::IntOrString;

use super::containers::Around;
use super::spec::supported;
use super::typed;
use crate::core::v1::{
    Container, ExecAction, GRPCAction, HTTPGetAction, Lifecycle, LifecycleHandler, Probe,
    SleepAction, TCPSocketAction,
};

const ONE_HANDLER: &str = "may not specify more than 1 handler type";

/// What a probe or a hook does: one of these.
#[derive(Default)]
struct Handler<'a> {
    exec: Option<ExecAction<'a>>,
    http_get: Option<HTTPGetAction<'a>>,
    tcp_socket: Option<TCPSocketAction<'a>>,
    grpc: Option<GRPCAction<'a>>,
    sleep: Option<SleepAction<'a>>,
}

/// Checks `lifecycle` and the probes of a container that has them.
pub(super) fn check(
    container: Container<'_>,
    around: &Around<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if let Some(lifecycle) = container.lifecycle() {
        hooks(lifecycle, around, &path.child("lifecycle"), errors);
    }
    let must_be_one = |probe: Probe<'_>, path: &Path<'_>, errors: &mut ErrorList| {
        if probe.success_threshold() != 1 {
            let at = path.child("successThreshold");
            errors.invalid(&at, probe.success_threshold(), "must be 1");
        }
    };
    if let Some(probe) = container.liveness_probe() {
        let at = path.child("livenessProbe");
        of_any_sort(probe, around, &at, errors);
        must_be_one(probe, &at, errors);
    }
    if let Some(probe) = container.readiness_probe() {
        let at = path.child("readinessProbe");
        of_any_sort(probe, around, &at, errors);
        if let Some(seconds) = probe.termination_grace_period_seconds() {
            errors.invalid(
                &at.child("terminationGracePeriodSeconds"),
                seconds,
                "must not be set for readinessProbes",
            );
        }
    }
    if let Some(probe) = container.startup_probe() {
        let at = path.child("startupProbe");
        of_any_sort(probe, around, &at, errors);
        must_be_one(probe, &at, errors);
    }
}

fn of_any_sort(probe: Probe<'_>, around: &Around<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let does = Handler {
        exec: probe.exec(),
        http_get: probe.http_get(),
        tcp_socket: probe.tcp_socket(),
        grpc: probe.grpc(),
        sleep: None,
    };
    handler(&does, around.grace, path, errors);
    for (name, value) in [
        ("initialDelaySeconds", probe.initial_delay_seconds()),
        ("timeoutSeconds", probe.timeout_seconds()),
        ("periodSeconds", probe.period_seconds()),
        ("successThreshold", probe.success_threshold()),
        ("failureThreshold", probe.failure_threshold()),
    ] {
        validate_nonnegative(value.into(), &path.child(name), errors);
    }
    if let Some(seconds) = probe.termination_grace_period_seconds()
        && seconds <= 0
    {
        let at = path.child("terminationGracePeriodSeconds");
        errors.invalid(&at, seconds, "must be greater than 0");
    }
}

fn hooks(lifecycle: Lifecycle<'_>, around: &Around<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for (name, hook) in [
        ("postStart", lifecycle.post_start()),
        ("preStop", lifecycle.pre_stop()),
    ] {
        if let Some(hook) = hook {
            handler(&of_hook(hook), around.grace, &path.child(name), errors);
        }
    }
    if let Some(signal) = lifecycle.stop_signal() {
        stop_signal(signal, around.system, &path.child("stopSignal"), errors);
    }
}

fn of_hook(hook: LifecycleHandler<'_>) -> Handler<'_> {
    Handler {
        exec: hook.exec(),
        http_get: hook.http_get(),
        tcp_socket: hook.tcp_socket(),
        grpc: None,
        sleep: hook.sleep(),
    }
}

fn handler(does: &Handler<'_>, grace: Option<i64>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut count = 0;
    let mut first = |name: &str, errors: &mut ErrorList| {
        count += 1;
        if count > 1 {
            errors.forbidden(&path.child(name), ONE_HANDLER);
        }
        count == 1
    };
    if let Some(exec) = does.exec
        && first("exec", errors)
        && exec.command().is_empty()
    {
        errors.required(&path.child("exec").child("command"), "");
    }
    if let Some(get) = does.http_get
        && first("httpGet", errors)
    {
        http_get(get, &path.child("httpGet"), errors);
    }
    if let Some(socket) = does.tcp_socket
        && first("tcpSocket", errors)
    {
        port(
            socket.port(),
            &path.child("tcpSocket").child("port"),
            errors,
        );
    }
    if let Some(grpc) = does.grpc
        && first("grpc", errors)
    {
        let number = IntOrString::Int(grpc.port());
        port(number, &path.child("grpc").child("port"), errors);
    }
    if let Some(sleep) = does.sleep
        && first("sleep", errors)
        && let Some(grace) = grace
        && !(0..=grace).contains(&sleep.seconds())
    {
        let detail =
            format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        errors.invalid(&path.child("sleep"), sleep.seconds(), detail);
    }
    if count == 0 {
        errors.required(path, "must specify a handler type");
    }
}

fn http_get(get: HTTPGetAction<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if get.path().is_empty() {
        errors.required(&path.child("path"), "");
    }
    port(get.port(), &path.child("port"), errors);
    supported(
        get.scheme(),
        &["HTTP", "HTTPS"],
        &path.child("scheme"),
        errors,
    );
    for header in get.http_headers() {
        let name = header.name();
        errors.invalid_each(&path.child("httpHeaders"), name, http_header_name(name));
    }
}

/// A port by number or by name (`ValidatePortNumOrName`).
fn port(port: IntOrString<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    match port {
        IntOrString::Int(number) => {
            for fault in port_number(number.into()) {
                errors.invalid(path, number, fault);
            }
        }
        IntOrString::String(name) => errors.invalid_each(path, name, port_name(name)),
    }
}

fn stop_signal(signal: &str, system: Option<&str>, path: &Path<'_>, errors: &mut ErrorList) {
    match system {
        None => errors.forbidden(
            path,
            "may not be set for containers with empty `spec.os.name`",
        ),
        Some("windows") => supported(signal, &["SIGKILL", "SIGTERM"], path, errors),
        Some("linux") if !is_signal(signal) => {
            let value: BadValue = typed(signal);
            errors.not_supported(path, value, signals());
        }
        Some(_) => {}
    }
}

const SIGNALS: [&str; 35] = [
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGIOT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPOLL",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGRTMIN",
];

/// Every signal of Linux, sorted.
fn signals() -> Vec<String> {
    let mut all: Vec<String> = SIGNALS.iter().map(|&name| name.to_owned()).collect();
    all.push("SIGRTMAX".to_owned());
    all.extend((1..=15).map(|at| format!("SIGRTMIN+{at}")));
    all.extend((1..=14).map(|at| format!("SIGRTMAX-{at}")));
    all.sort_unstable();
    all
}

fn is_signal(name: &str) -> bool {
    signals().iter().any(|signal| signal == name)
}
