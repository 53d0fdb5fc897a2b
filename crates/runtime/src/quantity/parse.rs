//! Reading a quantity, and whether upstream keeps the text that it has read.

use super::{Format, Quantity, QuantityError, divide_up};

/// What follows the number.
struct Suffix {
    /// 2 or 10.
    base: u32,
    exponent: i32,
    format: Format,
}

/// A text taken apart.
struct Parts<'a> {
    negative: bool,
    /// Digits before the point without leading zeros; `0` if there are none.
    whole: &'a [u8],
    /// Digits behind the point.
    fraction: &'a [u8],
    suffix: &'a [u8],
    /// Whether the number has any digit.
    has_digit: bool,
}

/// The quantity, and whether `text` stays as it is when it is written again.
pub(super) fn parse(text: &str) -> Result<(Quantity, bool), QuantityError> {
    if text == "0" {
        return Ok((Quantity::ZERO, true));
    }
    let parts = Parts::split(text.as_bytes())?;
    let suffix = Suffix::interpret(parts.suffix).ok_or(QuantityError::Suffix)?;
    match short(&parts, &suffix) {
        Some(found) => Ok(found),
        None if parts.has_digit => Ok((long(&parts, &suffix), false)),
        None => Err(QuantityError::Numeric),
    }
}

/// Numbers that upstream keeps in 64 bits. Only their texts are kept, and not always.
fn short(parts: &Parts<'_>, suffix: &Suffix) -> Option<(Quantity, bool)> {
    let digits = parts.whole.len() + parts.fraction.len();
    let factor = match suffix.format {
        Format::DecimalExponent | Format::DecimalSi if digits <= 18 => 1,
        // Upstream's estimate of how many digits the factor costs.
        Format::BinarySi
            if parts.fraction.is_empty()
                && digits + 1 + suffix.exponent as usize * 3 / 10 <= 15 =>
        {
            1_i64 << suffix.exponent
        }
        _ => return None,
    };
    let exponent = if suffix.base == 2 {
        0
    } else {
        i64::from(suffix.exponent)
    } - parts.fraction.len() as i64;
    if exponent < -9 {
        return None;
    }
    let number = parts
        .digits()
        .fold(0_i64, |number, digit| number * 10 + i64::from(digit));
    let value = number.checked_mul(factor)?;
    let kept = match suffix.format {
        Format::BinarySi => number & 7 != 0,
        Format::DecimalExponent | Format::DecimalSi => {
            let ends_in_thousand = digits >= 3 && number % 1000 == 0;
            exponent % 3 == 0 && !ends_in_thousand && parts.whole != b"0"
        }
    };
    let mantissa = i128::from(if parts.negative { -value } else { value });
    Some((
        Quantity {
            mantissa,
            exponent: exponent as i32,
            format: suffix.format,
        },
        kept,
    ))
}

/// Every other number: rounded up to billionths, and capped if it is binary.
fn long(parts: &Parts<'_>, suffix: &Suffix) -> Quantity {
    let (mut mantissa, dropped) = parts.mantissa();
    let mut exponent = dropped - parts.fraction.len() as i64;
    if suffix.base == 2 {
        let factor = 1_i128 << suffix.exponent;
        mantissa = loop {
            match mantissa.checked_mul(factor) {
                Some(product) => break product,
                None => {
                    mantissa = divide_up(mantissa, 1);
                    exponent += 1;
                }
            }
        };
    } else {
        exponent += i64::from(suffix.exponent);
    }
    if exponent < -9 {
        mantissa = divide_up(mantissa, -9 - exponent);
        exponent = -9;
    }
    let exponent = exponent.min(i32::MAX.into()) as i32;
    let mut quantity = Quantity {
        mantissa,
        exponent,
        format: suffix.format,
    };
    if suffix.format == Format::BinarySi {
        quantity = quantity.min(Quantity::new(i64::MAX, Format::BinarySi));
        if !quantity.is_zero() && quantity < Quantity::new(1, Format::BinarySi) {
            quantity.format = Format::DecimalSi;
        }
    }
    if parts.negative { -quantity } else { quantity }
}

impl<'a> Parts<'a> {
    fn split(text: &'a [u8]) -> Result<Self, QuantityError> {
        let (negative, unsigned) = match text {
            [] => return Err(QuantityError::Format),
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (zeros, rest) = take(unsigned, |byte| byte == b'0');
        let (digits, rest_of) = take(rest, |byte| byte.is_ascii_digit());
        let (fraction, after) = match rest_of {
            [b'.', after @ ..] => take(after, |byte| byte.is_ascii_digit()),
            after => (&[][..], after),
        };
        let (_, exponent) = take(after, |byte| b"eEinumkKMGTP".contains(&byte));
        let unsigned_exponent = match exponent {
            [b'-' | b'+', rest @ ..] => rest,
            rest => rest,
        };
        if unsigned_exponent.iter().any(|byte| !byte.is_ascii_digit()) {
            return Err(QuantityError::Format);
        }
        Ok(Self {
            negative,
            whole: if digits.is_empty() { b"0" } else { digits },
            fraction,
            suffix: after,
            // Upstream takes a lone sign for zero.
            has_digit: rest.is_empty()
                || !(zeros.is_empty() && digits.is_empty() && fraction.is_empty()),
        })
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole
            .iter()
            .chain(self.fraction)
            .map(|digit| digit - b'0')
    }

    /// The digits as a number, and how many of the last ones did not fit; they round it up.
    fn mantissa(&self) -> (i128, i64) {
        let mut mantissa = 0_i128;
        let mut dropped = 0;
        let mut rounds_up = false;
        for digit in self.digits() {
            // One below the maximum leaves room to round up.
            match mantissa
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(i128::from(digit) + 1))
            {
                Some(next) if dropped == 0 => mantissa = next - 1,
                _ => {
                    dropped += 1;
                    rounds_up |= digit != 0;
                }
            }
        }
        (mantissa + i128::from(rounds_up), dropped)
    }
}

fn take(text: &[u8], wanted: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|&byte| !wanted(byte))
        .unwrap_or(text.len());
    text.split_at(end)
}

impl Suffix {
    fn interpret(suffix: &[u8]) -> Option<Self> {
        let decimal = |exponent| {
            Some(Self {
                base: 10,
                exponent,
                format: Format::DecimalSi,
            })
        };
        let binary = |exponent| {
            Some(Self {
                base: 2,
                exponent,
                format: Format::BinarySi,
            })
        };
        match suffix {
            b"" => decimal(0),
            b"n" => decimal(-9),
            b"u" => decimal(-6),
            b"m" => decimal(-3),
            b"k" => decimal(3),
            b"M" => decimal(6),
            b"G" => decimal(9),
            b"T" => decimal(12),
            b"P" => decimal(15),
            b"E" => decimal(18),
            b"Ki" => binary(10),
            b"Mi" => binary(20),
            b"Gi" => binary(30),
            b"Ti" => binary(40),
            b"Pi" => binary(50),
            b"Ei" => binary(60),
            [b'e' | b'E', exponent @ ..] => {
                let exponent: i64 = std::str::from_utf8(exponent).ok()?.parse().ok()?;
                // Upstream cuts it to 32 bits.
                Some(Self {
                    base: 10,
                    exponent: exponent as i32,
                    format: Format::DecimalExponent,
                })
            }
            _ => None,
        }
    }
}
