//! The fuzzer of one target, which `$PINTLE_FUZZ_TARGET` names. `cargo xtask fuzz` builds and starts it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pintle_fuzz::{TARGETS, Target};

static CHOSEN: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("PINTLE_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|target| target.name == name);
    *found.expect("PINTLE_FUZZ_TARGET names a target")
});

fuzz_target!(|bytes: &[u8]| (CHOSEN.run)(bytes));
