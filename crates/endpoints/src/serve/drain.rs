//! When to stop: [`Drain`].

use tokio::sync::{mpsc, watch};

/// Tells everything that is under way to come to an end.
#[derive(Debug)]
pub struct Drain {
    begin: watch::Sender<bool>,
    /// Held by everything that is under way.
    open: Option<mpsc::Sender<()>>,
    finished: Option<mpsc::Receiver<()>>,
}

/// Tells everybody who is told by a [`Drain`] to stop.
#[derive(Debug)]
pub struct Starter(watch::Sender<bool>);

impl Starter {
    /// It is time.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

/// Is told by a [`Drain`]; while it is held, the drain is not finished.
#[derive(Debug, Clone)]
pub struct Draining {
    begun: watch::Receiver<bool>,
    _open: Option<mpsc::Sender<()>>,
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl Drain {
    /// Nothing is to stop yet.
    pub fn new() -> Self {
        let (open, finished) = mpsc::channel(1);
        Self {
            begin: watch::Sender::new(false),
            open: Some(open),
            finished: Some(finished),
        }
    }

    /// For something that is under way.
    pub fn draining(&self) -> Draining {
        Draining {
            begun: self.begin.subscribe(),
            _open: self.open.clone(),
        }
    }

    /// For something that only wants to be told, and is not waited for.
    pub fn told(&self) -> Draining {
        Draining {
            begun: self.begin.subscribe(),
            _open: None,
        }
    }

    /// What tells everybody to stop.
    pub fn starter(&self) -> Starter {
        Starter(self.begin.clone())
    }

    /// Waits until every [`Draining`] is gone. There is nothing to wait for a second time.
    pub async fn finished(&mut self) {
        self.open = None;
        if let Some(mut finished) = self.finished.take() {
            finished.recv().await;
        }
    }
}

impl Draining {
    /// Waits until it is time to stop, or until nobody is left who could say so.
    pub async fn begun(&mut self) {
        // An error means that nobody can say so any more, which is the same.
        let _ = self.begun.wait_for(|begun| *begun).await;
    }

    /// Whether it is time to stop.
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drain_is_finished_when_everything_is_gone() {
        let mut drain = Drain::new();
        let mut draining = drain.draining();
        let task = tokio::spawn(async move {
            draining.begun().await;
            assert!(draining.has_begun());
        });
        drain.starter().begin();
        drain.finished().await;
        task.await.expect("no panic");
    }
}
