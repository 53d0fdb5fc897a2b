//! What was typed.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::rows::Size;

pub(crate) const USAGE: &str = "\
Usage: budgets [OPTION…]

  --quick               fewer repetitions, and only the rows of the budget table
  --pods N              how many pods there are (5,000)
  --namespaces N        how many namespaces they are spread over (1)
  --connections N       how many connections work at once (32)
  --watchers N          how many watch the pods, each on a connection of its own (500)
  --audit               every request is audited at level Metadata, into a log
  --data-directory DIR  where the data of the server are kept meanwhile: the disk to measure
  --json FILE           write the figures there, too

  --server URL          measure this server too, side by side; it should be empty
  --token T             of a member of system:masters there
  --pids P,P            the processes whose CPU time and memory count: the server, its etcd
  --name NAME           what to call it in the table
  --no-pintle           measure that server alone
";

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) no_pintle: bool,
    pub(crate) audit: bool,
    pub(crate) size: Size,
    pub(crate) data_directory: Option<PathBuf>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) other: Option<Other>,
}

/// A server that runs already.
#[derive(Debug)]
pub(crate) struct Other {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) name: String,
    pub(crate) processes: Vec<u32>,
}

/// `None` if help is asked for.
pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Options>> {
    let mut options = Options::default();
    let (mut server, mut token, mut name) = (None, None, None);
    let mut processes = Vec::new();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--quick" => options.quick = true,
            "--no-pintle" => options.no_pintle = true,
            "--audit" => options.audit = true,
            "--pods" => options.size.pods = count(&word, &value()?)?,
            "--namespaces" => options.size.namespaces = count(&word, &value()?)?,
            "--connections" => options.size.connections = count(&word, &value()?)?,
            "--watchers" => options.size.watchers = count(&word, &value()?)?,
            "--data-directory" => options.data_directory = Some(value()?.into()),
            "--json" => options.json = Some(value()?.into()),
            "--server" => server = Some(value()?),
            "--token" => token = Some(value()?),
            "--name" => name = Some(value()?),
            "--pids" => {
                let numbers = value()?;
                let numbers = numbers.split(',').map(|number| number.trim().parse());
                processes = numbers
                    .collect::<Result<_, _>>()
                    .context("--pids takes numbers")?;
            }
            "-h" | "--help" => return Ok(None),
            other => bail!("unknown argument {other:?}\n\n{USAGE}"),
        }
    }
    if let Some(url) = server {
        if processes.is_empty() {
            bail!("--server needs --pids: the processes to measure");
        }
        options.other = Some(Other {
            url,
            token: token.context("--server needs --token")?,
            name: name.unwrap_or_else(|| "the other".to_owned()),
            processes,
        });
    }
    Ok(Some(options))
}

fn count(word: &str, value: &str) -> Result<usize> {
    match value.replace(['_', ','], "").parse() {
        Ok(0) | Err(_) => bail!("{word} takes a number from 1 on, not {value:?}"),
        Ok(count) => Ok(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, expected: &str) {
        let said = match parse(words.split_whitespace().map(str::to_owned)) {
            Ok(options) => format!("{:?}", options.map(|options| options.size)),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(expected), "{words}: {said}");
    }

    #[test]
    fn what_is_not_said_is_as_in_the_table() {
        check(
            "",
            "pods: 5000, namespaces: 1, connections: 32, watchers: 500",
        );
        check(
            "--pods 50,000 --namespaces 200",
            "pods: 50000, namespaces: 200",
        );
        check("--help", "None");
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        check("--pods", "--pods needs a value");
        check("--pods 0", "takes a number from 1 on");
        check("--server https://localhost:6443", "--server needs --pids");
        check(
            "--server https://localhost:6443 --pids 1",
            "--server needs --token",
        );
    }
}
