//! Amounts of resources: `500m`, `1Gi`, `12e6`.
//!
//! Objects hold a quantity as its canonical text, which [`Quantity::canonicalize`] finds at the
//! edge; a [`Quantity`] is the number behind it, for those who compare and add.
//!
//! ```
//! use pintle_runtime::quantity::Quantity;
//!
//! assert_eq!(Quantity::canonicalize("0.5")?, "500m");
//! assert_eq!(Quantity::canonicalize("1024Mi")?, "1Gi");
//! let half: Quantity = "500m".parse()?;
//! assert_eq!((half + "1.5".parse()?).to_string(), "2");
//! # Ok::<(), pintle_runtime::quantity::QuantityError>(())
//! ```
//!
//! A number is kept in 128 bits and an exponent, exactly as far as 38 digits go; beyond that it
//! is rounded away from zero, where upstream goes on to any length.

mod format;
mod parse;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

/// Why a text is no quantity, in upstream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// It is not a number and a suffix.
    #[error(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )]
    Format,
    /// The number is none.
    #[error("unable to parse numeric part of quantity")]
    Numeric,
    /// The suffix is none.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// The kind of suffix that a quantity was written with and is written with again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`, powers of 1024.
    BinarySi,
    /// `12M`, powers of 1000.
    #[default]
    DecimalSi,
}

/// A power of ten to which a quantity is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scale(pub i32);

impl Scale {
    /// 10⁻⁹, the finest there is.
    pub const NANO: Self = Self(-9);
    /// 10⁻³
    pub const MILLI: Self = Self(-3);
    /// Whole numbers.
    pub const ONE: Self = Self(0);
}

/// A number and the way it is written. Compared by number alone: `1Gi` equals `1073741824`.
///
/// Shown in canonical form: without a fraction, and with the largest suffix that allows for that.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quantity {
    /// The number is `mantissa` × 10^`exponent`.
    mantissa: i128,
    exponent: i32,
    format: Format,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self {
        mantissa: 0,
        exponent: 0,
        format: Format::DecimalSi,
    };

    /// A whole number.
    pub const fn new(value: i64, format: Format) -> Self {
        Self {
            mantissa: value as i128,
            exponent: 0,
            format,
        }
    }

    /// Thousandths.
    pub const fn from_milli(value: i64, format: Format) -> Self {
        Self {
            mantissa: value as i128,
            exponent: -3,
            format,
        }
    }

    /// Reads a quantity.
    ///
    /// What is finer than a billionth is rounded away from zero, so that who asks for something
    /// gets something; what is written in powers of 1024 is capped at 2⁶³−1.
    ///
    /// # Errors
    /// Upstream's; its leniencies (`.`, `+` and `Ki` are zero) are kept.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        parse::parse(text).map(|(quantity, _)| quantity)
    }

    /// The text that upstream would write after it has read `text`, blanks around it dropped.
    ///
    /// Nothing is allocated if it is `text` itself, as it nearly always is. Some texts that are
    /// not canonical are kept as well, as upstream does to save work: `+1`, `1.500`.
    ///
    /// # Errors
    /// As of [`Quantity::parse`].
    pub fn canonicalize(text: &str) -> Result<Cow<'_, str>, QuantityError> {
        let text = text.trim();
        let (quantity, kept) = parse::parse(text)?;
        if kept {
            return Ok(Cow::Borrowed(text));
        }
        let canonical = format::canonical(&quantity);
        Ok(if canonical.as_str() == text {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(canonical.as_str().to_owned())
        })
    }

    /// The canonical text of `text` rounded up to `scale`, as defaulting does with container
    /// resources and [`Scale::MILLI`].
    ///
    /// # Errors
    /// As of [`Quantity::parse`].
    pub fn canonicalize_rounded(text: &str, scale: Scale) -> Result<Cow<'_, str>, QuantityError> {
        let quantity = Self::parse(text.trim())?;
        let rounded = quantity.round_up(scale);
        if rounded == quantity {
            Self::canonicalize(text)
        } else {
            Ok(Cow::Owned(rounded.to_string()))
        }
    }

    /// How it is written.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Whether it is zero.
    pub const fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    /// −1, 0 or 1.
    pub const fn signum(&self) -> i32 {
        self.mantissa.signum() as i32
    }

    /// Rounded away from zero to a whole number; the nearest 64-bit number if it is larger.
    pub fn value(&self) -> i64 {
        self.scaled_value(Scale::ONE)
    }

    /// Rounded away from zero to thousandths, and how many; the nearest 64-bit number if there
    /// are more.
    pub fn milli_value(&self) -> i64 {
        self.scaled_value(Scale::MILLI)
    }

    /// Rounded away from zero to multiples of a power of ten, and how many of them.
    pub fn scaled_value(&self, scale: Scale) -> i64 {
        let rounded = self.round_up(scale);
        let times = i64::from(rounded.exponent) - i64::from(scale.0);
        let value = u32::try_from(times)
            .ok()
            .and_then(|times| 10_i128.checked_pow(times))
            .and_then(|factor| rounded.mantissa.checked_mul(factor))
            .unwrap_or(if rounded.mantissa < 0 {
                i128::MIN
            } else {
                i128::MAX
            });
        if rounded.mantissa == 0 {
            return 0;
        }
        value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// Rounded away from zero to multiples of a power of ten; the same if it is one already.
    #[must_use]
    pub fn round_up(self, scale: Scale) -> Self {
        let dropped = i64::from(scale.0) - i64::from(self.exponent);
        if dropped <= 0 {
            return self;
        }
        Self {
            mantissa: divide_up(self.mantissa, dropped),
            exponent: scale.0,
            ..self
        }
    }

    /// The nearest floating point number, more or less.
    pub fn to_f64(&self) -> f64 {
        self.mantissa as f64 * 10_f64.powi(self.exponent)
    }

    /// Appends the canonical text.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format::canonical(self).as_str().as_bytes());
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: i64) -> Self {
        let mut number = self;
        loop {
            match number.mantissa.checked_mul(factor.into()) {
                Some(mantissa) => return Self { mantissa, ..number },
                None => number = number.coarser(),
            }
        }
    }

    /// The same number with one digit less, rounded away from zero.
    fn coarser(self) -> Self {
        Self {
            mantissa: divide_up(self.mantissa, 1),
            exponent: self.exponent.saturating_add(1),
            ..self
        }
    }

    /// The position before the first digit: the number is below 10 to the power of it.
    fn magnitude(&self) -> i64 {
        i64::from(self.mantissa.unsigned_abs().checked_ilog10().unwrap_or(0))
            + 1
            + i64::from(self.exponent)
    }

    /// Both mantissas at the lower exponent, if they fit.
    fn aligned(&self, other: &Self) -> Option<(i128, i128, i32)> {
        let exponent = self.exponent.min(other.exponent);
        let at = |number: &Self| {
            let times = u32::try_from(i64::from(number.exponent) - i64::from(exponent)).ok()?;
            number.mantissa.checked_mul(10_i128.checked_pow(times)?)
        };
        Some((at(self)?, at(other)?, exponent))
    }
}

/// `mantissa` without its last `digits` decimal digits, rounded away from zero.
fn divide_up(mantissa: i128, digits: i64) -> i128 {
    let Some(divisor) = u32::try_from(digits)
        .ok()
        .and_then(|digits| 10_i128.checked_pow(digits))
    else {
        return mantissa.signum();
    };
    mantissa / divisor + (mantissa % divisor).signum()
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        Self::parse(text)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(format::canonical(self).as_str())
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.signum().cmp(&other.signum());
        if signs != Ordering::Equal || self.is_zero() {
            return signs;
        }
        match self.aligned(other) {
            Some((a, b, _)) => a.cmp(&b),
            // One does not fit into what the other does, so it is larger, or both are far apart.
            None => {
                let sizes = self.magnitude().cmp(&other.magnitude());
                let sizes = sizes.then(self.exponent.cmp(&other.exponent));
                if self.mantissa < 0 {
                    sizes.reverse()
                } else {
                    sizes
                }
            }
        }
    }
}

/// Where one is zero, the other's way of writing is taken on.
impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let format = if self.is_zero() {
            other.format
        } else {
            self.format
        };
        let (mut a, mut b) = (self, other);
        loop {
            if a.is_zero() || b.is_zero() {
                let sum = if a.is_zero() { b } else { a };
                return Self { format, ..sum };
            }
            if let Some((x, y, exponent)) = a.aligned(&b)
                && let Some(mantissa) = x.checked_add(y)
            {
                return Self {
                    mantissa,
                    exponent,
                    format,
                };
            }
            // Digits that do not fit are dropped where they count least.
            let finer = if a.exponent <= b.exponent {
                &mut a
            } else {
                &mut b
            };
            if finer.mantissa.unsigned_abs() == 1 {
                let larger = if a.magnitude() > b.magnitude() { a } else { b };
                return Self { format, ..larger };
            }
            *finer = finer.coarser();
        }
    }
}

impl Neg for Quantity {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            mantissa: self.mantissa.saturating_neg(),
            ..self
        }
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

#[cfg(test)]
mod tests;
