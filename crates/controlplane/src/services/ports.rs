//! Node ports: one bit for each, in one value of the store that every server changes by compare-and-swap.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use pintle_api::core::v1::{RangeAllocation, RangeAllocationMut};
use pintle_runtime::codec::protobuf;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_runtime::view::View;
use pintle_storage::{Key, Storage, StorageError, Update, guaranteed_update};

use super::AllocationMetrics;
use super::range::kept;

/// A range of ports, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// What there is when nothing is said.
    pub const DEFAULT: Self = Self {
        first: 30_000,
        last: 32_767,
    };

    /// From `first` to `last`; `None` if that is not a range of ports.
    pub fn new(first: u16, last: u16) -> Option<Self> {
        (first > 0 && first <= last).then_some(Self { first, last })
    }

    /// Reads `30000-32767`, `30000+2767` or `30000`.
    pub fn parse(text: &str) -> Option<Self> {
        let port = |text: &str| text.trim().parse::<u16>().ok();
        if let Some((first, more)) = text.split_once('+') {
            let first = port(first)?;
            return Self::new(first, first.checked_add(port(more)?)?);
        }
        match text.split_once('-') {
            Some((first, last)) => Self::new(port(first)?, port(last)?),
            None => Self::new(port(text)?, port(text)?),
        }
    }

    pub(super) fn size(self) -> u16 {
        // A range of all ports begins with 1.
        self.last - self.first + 1
    }

    fn at(self, port: u16) -> Option<usize> {
        (self.first..=self.last)
            .contains(&port)
            .then(|| usize::from(port - self.first))
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// Why a port cannot be had, in upstream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PortFault {
    /// All are taken.
    #[error("range is full")]
    Full,
    /// Somebody has it.
    #[error("provided port is already allocated")]
    Taken,
    /// It is none of those that are given away.
    #[error("provided port is not in the valid range. The range of valid ports is {0}")]
    NotInRange(PortRange),
}

/// Which ports of a range are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    range: PortRange,
    /// A bit for each port, the lowest of the first byte first.
    bits: Vec<u8>,
}

impl Taken {
    /// None.
    pub fn none(range: PortRange) -> Self {
        Self {
            range,
            bits: vec![0; usize::from(range.size()).div_ceil(8)],
        }
    }

    /// What the store says: a number, the highest byte first.
    fn decode(range: PortRange, number: &[u8]) -> Self {
        let mut taken = Self::none(range);
        for (byte, kept) in taken.bits.iter_mut().zip(number.iter().rev()) {
            *byte = *kept;
        }
        taken
    }

    /// The value that the store keeps: a `RangeAllocation`, as upstream writes it.
    fn to_stored(&self) -> Bytes {
        let mut record: Record = <RangeAllocation<'_> as View>::new_record();
        let mut allocation = RangeAllocationMut::from_record(&mut record);
        allocation.set_range(self.range.to_string());
        allocation.set_data(self.encode());
        let mut out = Vec::new();
        protobuf::envelope::encode("v1", "RangeAllocation", &record, &mut out);
        out.into()
    }

    fn encode(&self) -> Bytes {
        let number = self.bits.iter().rev().copied();
        number.skip_while(|byte| *byte == 0).collect()
    }

    /// Which ports there are.
    pub fn range(&self) -> PortRange {
        self.range
    }

    /// Whether somebody has the port.
    pub fn has(&self, port: u16) -> bool {
        let at = self.range.at(port);
        at.is_some_and(|at| self.bits[at / 8] & (1 << (at % 8)) != 0)
    }

    /// Takes a port.
    ///
    /// # Errors
    /// Somebody has it, or nobody can.
    pub fn take(&mut self, port: u16) -> Result<(), PortFault> {
        let at = self
            .range
            .at(port)
            .ok_or(PortFault::NotInRange(self.range))?;
        if self.has(port) {
            return Err(PortFault::Taken);
        }
        self.bits[at / 8] |= 1 << (at % 8);
        Ok(())
    }

    /// Takes any port; one of the lowest, which are kept for who asks for them, only if no other is left.
    ///
    /// # Errors
    /// None is left.
    pub fn take_any(&mut self, random: u64) -> Result<u16, PortFault> {
        let size = self.range.size();
        let kept = u16::try_from(kept(size.into(), 32, 16, 128)).unwrap_or(0);
        let turn = |from: u16, to: u16| {
            let count = u64::from(to - from);
            let begin = u16::try_from(random.checked_rem(count).unwrap_or(0)).unwrap_or(0);
            (from + begin..to).chain(from..from + begin)
        };
        let free = turn(kept, size)
            .chain(turn(0, kept))
            .map(|at| self.range.first + at)
            .find(|port| !self.has(*port))
            .ok_or(PortFault::Full)?;
        self.take(free)?;
        Ok(free)
    }

    /// Gives a port back, whether or not it was taken.
    pub fn release(&mut self, port: u16) {
        if let Some(at) = self.range.at(port) {
            self.bits[at / 8] &= !(1 << (at % 8));
        }
    }

    /// The ports that are taken, in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        let all = self.range.first..=self.range.last;
        all.filter(|port| self.has(*port))
    }
}

/// The node ports of the cluster.
pub struct Ports {
    storage: Arc<dyn Storage>,
    key: Key,
    range: PortRange,
    counted: Arc<AllocationMetrics>,
}

impl Ports {
    /// Those of `range`, kept below `key_prefix`.
    pub fn new(storage: Arc<dyn Storage>, key_prefix: &str, range: PortRange) -> Self {
        let prefix = key_prefix.trim_end_matches('/');
        Self {
            storage,
            key: Key::from(format!("{prefix}/ranges/servicenodeports")),
            range,
            counted: Arc::default(),
        }
    }

    /// The same, with what happens counted there.
    #[must_use]
    pub(super) fn counting(self, counted: &Arc<AllocationMetrics>) -> Self {
        Self {
            counted: Arc::clone(counted),
            ..self
        }
    }

    /// Where it is counted what happens.
    pub(super) fn counted(&self) -> &AllocationMetrics {
        &self.counted
    }

    /// Which ports there are.
    pub fn range(&self) -> PortRange {
        self.range
    }

    /// What is taken now.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn taken(&self) -> Result<Taken, ApiError> {
        let mut found = Taken::none(self.range);
        let look = |kept: Option<&pintle_storage::Record>| {
            found = self.decode(kept)?;
            Ok(Update::Keep)
        };
        guaranteed_update(&*self.storage, &self.key, None, look)
            .await
            .map_err(|fault: Fault| fault.into_api())?;
        Ok(found)
    }

    /// Changes what is taken, all at once or not at all.
    ///
    /// # Errors
    /// Those of `change`, inside, and those of the storage.
    pub async fn change<T: Send, E: Send>(
        &self,
        mut change: impl FnMut(&mut Taken) -> Result<T, E> + Send,
    ) -> Result<Result<T, E>, ApiError> {
        let mut result = None;
        let decide = |kept: Option<&pintle_storage::Record>| {
            let before = self.decode(kept)?;
            let mut taken = before.clone();
            let changed = change(&mut taken);
            self.counted.ports_are(&taken);
            let same = changed.is_err() || (kept.is_some() && taken == before);
            result = Some(changed);
            Ok(if same {
                Update::Keep
            } else {
                Update::Put(taken.to_stored(), None)
            })
        };
        guaranteed_update(&*self.storage, &self.key, None, decide)
            .await
            .map_err(|fault: Fault| fault.into_api())?;
        result.ok_or_else(|| ApiError::internal("the node ports were not looked at"))
    }

    /// Gives ports back.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn release(&self, ports: &[u16]) -> Result<(), ApiError> {
        if ports.is_empty() {
            return Ok(());
        }
        let release = |taken: &mut Taken| {
            for port in ports {
                taken.release(*port);
            }
            Ok::<_, std::convert::Infallible>(())
        };
        let Ok(()) = self.change(release).await?;
        Ok(())
    }

    /// What the store says; of another range than ours, nothing, until it has been repaired.
    fn decode(&self, kept: Option<&pintle_storage::Record>) -> Result<Taken, Fault> {
        let Some(kept) = kept else {
            return Ok(Taken::none(self.range));
        };
        let envelope = protobuf::envelope::unwrap(&kept.value).map_err(|_| Fault::Unreadable)?;
        let ty = <RangeAllocation<'_> as View>::new_record()
            .type_ref()
            .clone();
        let record = protobuf::decode(&ty, &envelope.raw).map_err(|_| Fault::Unreadable)?;
        let allocation = RangeAllocation::from_record(&record);
        if allocation.range() != self.range.to_string() {
            return Err(Fault::OtherRange);
        }
        Ok(Taken::decode(self.range, allocation.data()))
    }

    /// Puts `taken` in the place of whatever there is, also of what is of another range.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn replace(&self, seen: &Taken, taken: &Taken) -> Result<(), ApiError> {
        let decide = |kept: Option<&pintle_storage::Record>| match self.decode(kept) {
            // Somebody came between: the next round sees what they did.
            Ok(now) if now != *seen => Ok(Update::Keep),
            Ok(_) if kept.is_some() && seen == taken => Ok(Update::Keep),
            _ => Ok(Update::Put(taken.to_stored(), None)),
        };
        guaranteed_update(&*self.storage, &self.key, None, decide)
            .await
            .map(|_| ())
            .map_err(|fault: Fault| fault.into_api())
    }

    /// What is taken now, and nothing where that cannot be told.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn taken_if_readable(&self) -> Result<Taken, ApiError> {
        let mut found = Taken::none(self.range);
        let look = |kept: Option<&pintle_storage::Record>| {
            found = self
                .decode(kept)
                .unwrap_or_else(|_| Taken::none(self.range));
            self.counted.ports_are(&found);
            Ok(Update::Keep)
        };
        guaranteed_update(&*self.storage, &self.key, None, look)
            .await
            .map_err(|fault: Fault| fault.into_api())?;
        Ok(found)
    }
}

/// What goes wrong with the value in the store.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("what the store says of node ports cannot be read")]
    Unreadable,
    #[error("the provided port range does not match the current port range")]
    OtherRange,
}

impl Fault {
    fn into_api(self) -> ApiError {
        match self {
            Self::Storage(error) => {
                ApiError::internal_from("the store can not serve the request", error)
            }
            fault => ApiError::internal(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> PortRange {
        PortRange::parse(text).expect("a range")
    }

    #[test]
    fn ranges_are_read_as_the_flag_has_them() {
        for (text, expected) in [
            ("30000-32767", Some("30000-32767")),
            ("30000+10", Some("30000-30010")),
            ("80", Some("80-80")),
            ("0-10", None),
            ("10-9", None),
            ("1-70000", None),
            ("x", None),
        ] {
            let found = PortRange::parse(text).map(|range| range.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_port_is_taken_once() {
        let mut taken = Taken::none(range("30000-30009"));
        assert_eq!(taken.take(30_003), Ok(()));
        assert_eq!(taken.take(30_003), Err(PortFault::Taken));
        assert_eq!(
            taken.take(80).map_err(|fault| fault.to_string()),
            Err(
                "provided port is not in the valid range. The range of valid ports is 30000-30009"
                    .to_owned()
            )
        );
        taken.release(30_003);
        taken.release(80);
        assert_eq!(taken.take(30_003), Ok(()));
    }

    #[test]
    fn the_low_ports_go_last() {
        let mut taken = Taken::none(PortRange::DEFAULT);
        for round in 0..2_768 {
            let port = taken.take_any(round * 7919).expect("a port");
            let low = port < 30_086;
            assert_eq!(low, round >= 2_768 - 86, "{port} in round {round}");
        }
        assert_eq!(taken.take_any(1), Err(PortFault::Full));
    }

    #[test]
    fn the_store_keeps_what_upstream_would() {
        let upstream: &[u8] = b"k8s\0\n\x15\n\x02v1\x12\x0fRangeAllocation\x12!\n\x10\n\0\x12\0\x1a\0\"\0*\x002\x008\0B\0\
            \x12\x0b30000-32767\x1a\0\x1a\0\"\0";
        assert_eq!(Taken::none(PortRange::DEFAULT).to_stored(), upstream);
    }

    #[test]
    fn what_is_kept_is_one_number() {
        let mut taken = Taken::none(range("30000-30020"));
        assert_eq!(taken.encode(), Bytes::new());
        for port in [30_000, 30_009, 30_020] {
            taken.take(port).expect("free");
        }
        assert_eq!(taken.encode().as_ref(), [0x10, 0x02, 0x01]);
        let again = Taken::decode(range("30000-30020"), &taken.encode());
        assert_eq!(again, taken);
        assert_eq!(again.iter().collect::<Vec<_>>(), [30_000, 30_009, 30_020]);
    }
}
