//! `pintle snapshot`: state in a file, and from one store to another.
//!
//! Keys and values are moved as they are, so sealed values stay sealed and need the same
//! `--encryption-provider-config` where they arrive. What belongs to running servers (their leases)
//! is left behind. A store that receives is empty; its revisions begin anew, so clients list again.

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::digest;
use bytes::Bytes;
use clap::{Arg, ArgAction, ArgMatches, Command};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use pintle_runtime::duration;
use pintle_storage::{
    EtcdStore, Expect, Key, KeyRange, Options, Page, Revision, RocksStore, Storage,
};

use crate::backend;
use crate::etcd_config::EtcdConfig;

/// Keys per read.
const PAGE: usize = 500;
/// Writes at once: they share commits.
const AT_ONCE: usize = 32;
/// After so many keys a line says how far it is.
const REPORT: u64 = 10_000;

/// Understands and does `pintle snapshot …`, the words after `snapshot`.
///
/// # Errors
/// Whatever keeps it from being done, in one line. `--help` and wrong words end the process.
pub async fn run(words: impl IntoIterator<Item = String>) -> Result<()> {
    let words = std::iter::once("pintle snapshot".to_owned()).chain(words);
    let matches = match command().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => error.exit(),
    };
    let Some((name, matches)) = matches.subcommand() else {
        bail!("say what to do: save, restore, copy or inspect");
    };
    let word = |name| matches.get_one::<String>(name).map_or("", String::as_str);
    match name {
        "save" => {
            let from = Place::open(word("from"), matches)?;
            let count = save(&from, Path::new(word("file"))).await?;
            say(format!(
                "saved {count} keys of {} to {}",
                word("from"),
                word("file")
            ));
        }
        "restore" => {
            let dry_run = matches.get_flag("dry-run");
            let entries = inspect(Path::new(word("file")), &root(matches))?;
            say(entries.to_string());
            let into = Place::open(word("into"), matches)?;
            into.check_empty().await?;
            if !dry_run {
                let mut reader = file::Reader::open(Path::new(word("file")))?;
                let mut pairs = Vec::new();
                while let Some(pair) = reader.next()? {
                    pairs.push(pair);
                }
                into.fill(pairs).await?;
            }
            let done = if dry_run { "would restore" } else { "restored" };
            say(format!("{done} {} to {}", word("file"), word("into")));
        }
        "copy" => {
            let dry_run = matches.get_flag("dry-run");
            let from = Place::open(word("from"), matches)?;
            let into = Place::open(word("into"), matches)?;
            into.check_empty().await?;
            let (_, pairs) = from.read_all().await?;
            let count = pairs.len();
            if !dry_run {
                into.fill(pairs).await?;
            }
            let done = if dry_run { "would copy" } else { "copied" };
            say(format!(
                "{done} {count} keys of {} to {}",
                word("from"),
                word("into")
            ));
        }
        _ => say(inspect(Path::new(word("file")), &root(matches))?.to_string()),
    }
    Ok(())
}

#[allow(
    clippy::print_stdout,
    reason = "this is what the program says to who started it"
)]
fn say(text: String) {
    println!("{text}");
}

fn command() -> Command {
    let place = "a --data-dir, or etcd's members as https://host:port,…";
    let word = |name: &'static str, help: String| Arg::new(name).required(true).help(help);
    let flag = |name: &'static str, default: &'static str, help: &'static str| {
        let flag = Arg::new(name).long(name).value_name("VALUE").help(help);
        if default.is_empty() {
            flag
        } else {
            flag.default_value(default)
        }
    };
    let store = |command: Command| {
        command
            .arg(flag("etcd-prefix", "/registry", "Prefix of every key."))
            .arg(flag(
                "etcd-cafile",
                "",
                "CA bundle of etcd's certificates, PEM.",
            ))
            .arg(flag("etcd-certfile", "", "Certificate towards etcd, PEM."))
            .arg(flag(
                "etcd-keyfile",
                "",
                "Private key of --etcd-certfile, PEM.",
            ))
    };
    let receiving = |command: Command| {
        store(command)
            .arg(flag(
                "event-ttl",
                "1h0m0s",
                "How long events are kept where they arrive.",
            ))
            .arg(
                Arg::new("dry-run")
                    .long("dry-run")
                    .action(ArgAction::SetTrue)
                    .help("Do everything but write."),
            )
    };
    let file = || word("file", "The snapshot.".to_owned());
    let from = || word("from", format!("Where the state is: {place}."));
    let into = || word("into", format!("Where it goes: {place}. It must be empty."));
    Command::new("pintle snapshot")
        .about("Saves, restores, moves and shows state. A server on a --data-dir must not run meanwhile.")
        .subcommand_required(true)
        .subcommand(store(Command::new("save").about("State into a file.").arg(from()).arg(file())))
        .subcommand(receiving(
            Command::new("restore").about("State from a file.").arg(file()).arg(into()),
        ))
        .subcommand(receiving(
            Command::new("copy").about("State from one store to another.").arg(from()).arg(into()),
        ))
        .subcommand(
            Command::new("inspect")
                .about("Verifies a file and says what is in it.")
                .arg(file())
                .arg(flag("etcd-prefix", "/registry", "Prefix of every key.")),
        )
}

fn root(matches: &ArgMatches) -> String {
    let prefix = matches.get_one::<String>("etcd-prefix");
    let prefix = prefix.map_or("/registry", String::as_str);
    format!("/{}/", prefix.trim_matches('/'))
}

/// A store that state comes from or goes to.
struct Place {
    storage: Arc<dyn Storage>,
    rocks: Option<Arc<RocksStore>>,
    root: String,
    event_ttl: Duration,
}

/// What belongs to servers that run, below the prefix.
const LEASES: [&str; 2] = ["masterleases/", "peerserverleases/"];

impl Place {
    fn open(name: &str, matches: &ArgMatches) -> Result<Self> {
        let text = |name| matches.try_get_one::<String>(name).ok().flatten();
        let ttl = text("event-ttl").map_or("1h", String::as_str);
        let ttl = duration::parse(ttl)
            .ok()
            .and_then(|nanos| u64::try_from(nanos).ok());
        let event_ttl =
            Duration::from_nanos(ttl.context("--event-ttl: must be a duration such as 1h0m0s")?);
        let root = root(matches);
        if !name.contains("://") {
            let directory = Path::new(name).join("store");
            std::fs::create_dir_all(name).with_context(|| format!("cannot make {name}"))?;
            let rocks = Arc::new(RocksStore::open(&directory, Options::default())?);
            return Ok(Self {
                storage: Arc::clone(&rocks) as Arc<dyn Storage>,
                rocks: Some(rocks),
                root,
                event_ttl,
            });
        }
        let file = |name| text(name).map(PathBuf::from);
        let config = EtcdConfig {
            servers: name.split(',').map(str::to_owned).collect(),
            overrides: Vec::new(),
            ca_file: file("etcd-cafile"),
            identity: file("etcd-certfile").zip(file("etcd-keyfile")),
            lease_reuse: Duration::from_secs(60),
            size_interval: Duration::ZERO,
            healthcheck_timeout: Duration::ZERO,
            readycheck_timeout: Duration::ZERO,
        };
        Ok(Self {
            storage: Arc::new(EtcdStore::new(&backend::options(&config)?)?),
            rocks: None,
            root,
            event_ttl,
        })
    }

    fn is_lease(&self, key: &[u8]) -> bool {
        let below = key.strip_prefix(self.root.as_bytes()).unwrap_or(key);
        LEASES
            .iter()
            .any(|lease| below.starts_with(lease.as_bytes()))
    }

    /// Gives every key and value as of one revision to `take`, in order; the answer is the revision.
    async fn read(&self, mut take: impl FnMut(Bytes, Bytes) -> Result<()>) -> Result<Revision> {
        let range = KeyRange::prefix(self.root.clone());
        let mut page = Page {
            limit: Some(PAGE),
            from: None,
            at: None,
        };
        loop {
            let listing = self.storage.list(&range, page.clone()).await?;
            page.at = Some(listing.revision);
            page.from = listing.value.records.last().map(|last| last.key.next());
            for record in listing.value.records {
                if !self.is_lease(record.key.as_bytes()) {
                    take(record.key.into(), record.value)?;
                }
            }
            if !listing.value.more {
                return Ok(listing.revision);
            }
        }
    }

    async fn read_all(&self) -> Result<(Revision, Vec<(Bytes, Bytes)>)> {
        let mut pairs = Vec::new();
        let revision = self
            .read(|key, value| {
                pairs.push((key, value));
                Ok(())
            })
            .await?;
        Ok((revision, pairs))
    }

    async fn check_empty(&self) -> Result<()> {
        let mut found = None;
        self.read(|key, _| {
            found.get_or_insert(key);
            Ok(())
        })
        .await?;
        match found {
            None => Ok(()),
            Some(key) => bail!("it is not empty: {} is there", key.escape_ascii()),
        }
    }

    /// Writes everything, and then reads it again to see that it is all there.
    async fn fill(&self, pairs: Vec<(Bytes, Bytes)>) -> Result<()> {
        let expected = digest_of(pairs.iter());
        let events = format!("{}events/", self.root);
        let total = pairs.len();
        let put = |(key, value): (Bytes, Bytes)| {
            let is_event = key.starts_with(events.as_bytes());
            let lease = (is_event && !self.event_ttl.is_zero()).then_some(self.event_ttl);
            async move {
                let key = Key::from(key);
                self.storage.put(&key, Expect::Absent, value, lease).await
            }
        };
        let mut puts = stream::iter(pairs).map(put).buffered(AT_ONCE);
        let mut done = 0;
        while puts.try_next().await?.is_some() {
            done += 1;
            if done % REPORT == 0 {
                say(format!("{done} of {total} keys"));
            }
        }
        drop(puts);
        let (_, found) = self.read_all().await?;
        ensure!(
            digest_of(found.iter()).as_ref() == expected.as_ref(),
            "what was written is not what is there now: does somebody else write?"
        );
        if let Some(rocks) = &self.rocks {
            let rocks = Arc::clone(rocks);
            tokio::task::spawn_blocking(move || rocks.close()).await?;
        }
        Ok(())
    }
}

fn digest_of<'a>(pairs: impl Iterator<Item = &'a (Bytes, Bytes)>) -> digest::Digest {
    let mut digest = digest::Context::new(&digest::SHA256);
    for part in pairs.flat_map(|(key, value)| [key, value]) {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finish()
}

async fn save(from: &Place, path: &Path) -> Result<u64> {
    // The revision stands first, and is known with the first page.
    let (revision, pairs) = from.read_all().await?;
    let mut writer = file::Writer::create(path, revision.0)?;
    for (key, value) in &pairs {
        writer.put(key, value)?;
    }
    writer.finish()
}

/// What a file holds.
struct Contents {
    revision: u64,
    /// Keys and bytes by prefix.
    by_prefix: BTreeMap<String, (u64, u64)>,
}

impl std::fmt::Display for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sum = |part: fn(&(u64, u64)) -> u64| -> u64 { self.by_prefix.values().map(part).sum() };
        let (keys, bytes) = (sum(|found| found.0), sum(|found| found.1));
        writeln!(f, "revision {}, {keys} keys, {bytes} bytes", self.revision)?;
        for (prefix, (keys, bytes)) in &self.by_prefix {
            writeln!(f, "{keys:>9} {bytes:>12}  {prefix}")?;
        }
        Ok(())
    }
}

fn inspect(path: &Path, root: &str) -> Result<Contents> {
    let mut reader = file::Reader::open(path)?;
    let mut by_prefix: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    while let Some((key, value)) = reader.next()? {
        let key = String::from_utf8_lossy(&key).into_owned();
        let below = key.strip_prefix(root).unwrap_or(&key);
        let mut words = below.split('/');
        let first = words.next().unwrap_or_default();
        // Groups of custom resources and definitions come first, then the resource.
        let two = first.contains('.') || first == "services";
        let prefix = match (two, words.next()) {
            (true, Some(second)) => format!("{first}/{second}"),
            _ => first.to_owned(),
        };
        let (keys, bytes) = by_prefix.entry(prefix).or_default();
        *keys += 1;
        *bytes += (key.len() + value.len()) as u64;
    }
    Ok(Contents {
        revision: reader.revision,
        by_prefix,
    })
}
