//! Replays recorded requests and compares the answers with those that kube-apiserver v1.36.2 gave.
//!
//! `scenarios/` holds the recordings, `known-failures.txt` the steps that are known to differ. A step
//! that fails without being listed fails the run, and so does a listed one that passes: the list may
//! only shrink.

mod answer;
mod json;
mod known;
mod matcher;
mod pattern;
mod prepare;
mod run;
mod scenario;
mod surroundings;
mod watch;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use regex::Regex;

use crate::http::{Client, Endpoint};
use json::Json;
use known::{Extent, Known, Verdict};
use matcher::Difference;
pub use prepare::Tokens;

/// More differences of one step than this are not shown.
const SHOWN: usize = 25;
/// Longer texts are cut.
const LENGTH: usize = 400;

/// What to replay, and what to say of it.
#[derive(Debug, Default)]
pub struct Options {
    /// Scenarios whose `theme/name` matches; all if there is none.
    pub only: Option<Regex>,
    /// Whether steps that pass or are known to fail are shown too.
    pub verbose: bool,
    /// Whether the list of known failures loses what passes.
    pub bless: bool,
    /// Whether the list of known failures also takes what is new.
    pub accept_new: bool,
}

/// Replays against the server at `endpoint` and prints a report. Fails unless the known failures are exactly those listed.
///
/// The server is expected to run bare, on an empty store; see [`FLAGS`].
pub async fn replay(endpoint: Endpoint, tokens: &Tokens, options: &Options) -> Result<()> {
    let list = folder().join("known-failures.txt");
    let mut known = Known::read(&list)?;
    let (mut passed, mut failed) = (BTreeSet::new(), BTreeSet::new());
    let (mut passes, mut failures, mut scenarios) = (0, 0, 0);
    let mut client = Client::new(endpoint);
    for theme in scenario::read(&folder().join("scenarios"))? {
        for scenario in &theme.scenarios {
            let title = format!("{}/{}", theme.theme, scenario.name);
            if options
                .only
                .as_ref()
                .is_some_and(|only| !only.is_match(&title))
            {
                continue;
            }
            scenarios += 1;
            let namespace = format!("golden-{}", generated_suffix(scenarios));
            let expected_to_fail = |step: &str| known.contains(&format!("{title}: {step}"));
            let results = run::run(&mut client, tokens, scenario, &namespace, expected_to_fail);
            for result in results.await {
                let name = format!("{title}: {}", result.step);
                if result.differences.is_empty() {
                    passes += 1;
                    if options.verbose {
                        println!("pass  {name}");
                    }
                    passed.insert(name);
                } else {
                    failures += 1;
                    if options.verbose || !known.contains(&name) {
                        println!("FAIL  {name}");
                        show(&result.differences);
                    }
                    failed.insert(name);
                }
            }
        }
    }
    // Of a scenario that could not begin, nothing is known.
    let all_began = !failed.iter().any(|name: &String| name.ends_with(": setup"));
    let extent = if options.only.is_none() && all_began {
        Extent::Everything
    } else {
        Extent::Selection
    };
    let verdict = known.judge(&passed, &failed, extent);
    let outcome = conclude(&mut known, &verdict, &list, options);
    println!("golden: {passes} passed, {failures} failed ({scenarios} scenarios)");
    outcome
}

/// The flags of a server to replay against: bare, as when the answers were recorded.
pub const FLAGS: &[&str] = &[
    "--authorization-mode=Node,RBAC",
    "--service-cluster-ip-range=10.0.0.0/16",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--enable-aggregator-routing=true",
    "--allow-privileged=true",
];

fn conclude(known: &mut Known, verdict: &Verdict, list: &Path, options: &Options) -> Result<()> {
    let (mut new, mut obsolete) = (verdict.new.len(), verdict.obsolete.len());
    if options.bless && obsolete > 0 {
        known.shrink(verdict);
        println!("golden: {obsolete} lines removed from known-failures.txt");
        obsolete = 0;
    }
    if options.accept_new && new > 0 {
        known.accept(verdict);
        println!("golden: {new} lines added to known-failures.txt");
        new = 0;
    }
    if options.bless || options.accept_new {
        known.write(list)?;
    }
    if obsolete > 0 {
        println!(
            "golden: these are in known-failures.txt and pass; remove their lines (--bless does):"
        );
        verdict
            .obsolete
            .iter()
            .for_each(|step| println!("      {step}"));
    }
    if new + obsolete > 0 {
        bail!("{new} steps failed that are not known to fail, {obsolete} passed that are");
    }
    Ok(())
}

fn show(differences: &[Difference]) {
    for difference in differences.iter().take(SHOWN) {
        println!("      {}: {}", difference.path, difference.why);
        if let Some(want) = &difference.want {
            println!("        - {}", shorten(want));
        }
        if let Some(got) = &difference.got {
            println!("        + {}", shorten(got));
        }
    }
    if differences.len() > SHOWN {
        println!("      … and {} more", differences.len() - SHOWN);
    }
}

fn shorten(value: &Json) -> String {
    let text = value.to_sorted_text();
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.len()),
        None => text,
    }
}

/// A suffix that no other scenario of this run has, nor one of an earlier run against the same server.
fn generated_suffix(number: u64) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let nanoseconds = std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |elapsed| elapsed.as_nanos());
    let mut seed = nanoseconds
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(u128::from(number))
        >> 8;
    let mut suffix = String::new();
    for _ in 0..8 {
        suffix.push(char::from(
            ALPHABET[(seed % ALPHABET.len() as u128) as usize],
        ));
        seed /= ALPHABET.len() as u128;
    }
    suffix
}

fn folder() -> PathBuf {
    crate::folder().join("golden")
}
