//! Writing a quantity in canonical form, without allocation.

use super::{Format, Quantity};

/// A text on the stack: a sign, 39 digits, two zeros and `e` with a sign and 10 digits fit.
pub(super) struct Canonical {
    bytes: [u8; 64],
    length: usize,
}

impl Canonical {
    fn new(number: i128) -> Self {
        let mut text = Self {
            bytes: [0; 64],
            length: 0,
        };
        text.push(itoa::Buffer::new().format(number));
        text
    }

    fn push(&mut self, text: &str) {
        let end = self.length + text.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(text.as_bytes());
            self.length = end;
        }
    }

    pub(super) fn as_str(&self) -> &str {
        // Only whole texts are pushed.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// The canonical form: no fraction, the largest suffix that allows for that, and no rounding.
pub(super) fn canonical(quantity: &Quantity) -> Canonical {
    if quantity.is_zero() {
        return Canonical::new(0);
    }
    match quantity.format {
        Format::BinarySi => match binary_whole(quantity) {
            Some(number) => binary(number),
            None => decimal(quantity, decimal_suffix),
        },
        Format::DecimalSi => decimal(quantity, decimal_suffix),
        Format::DecimalExponent => decimal(quantity, |exponent, text| {
            if exponent != 0 {
                text.push("e");
                text.push(itoa::Buffer::new().format(exponent));
            }
        }),
    }
}

/// The number if powers of 1024 can say it: whole and at least 1024. Smaller ones are written as
/// decimals, which spares the reader a surprise.
fn binary_whole(quantity: &Quantity) -> Option<i128> {
    let reduced = reduce(quantity.mantissa, quantity.exponent.into(), 10);
    let times = u32::try_from(reduced.1).ok()?;
    let number = reduced.0.checked_mul(10_i128.checked_pow(times)?)?;
    (number.unsigned_abs() >= 1024).then_some(number)
}

fn binary(number: i128) -> Canonical {
    let (number, exponent) = reduce(number, 0, 1024);
    let mut text = Canonical::new(number);
    text.push(match exponent {
        1 => "Ki",
        2 => "Mi",
        3 => "Gi",
        4 => "Ti",
        5 => "Pi",
        6 => "Ei",
        // Upstream leaves out a suffix that it does not have.
        _ => "",
    });
    text
}

fn decimal(quantity: &Quantity, suffix: impl FnOnce(i64, &mut Canonical)) -> Canonical {
    let (number, exponent) = reduce(quantity.mantissa, quantity.exponent.into(), 10);
    let mut text = Canonical::new(number);
    let zeros = exponent.rem_euclid(3);
    for _ in 0..zeros {
        text.push("0");
    }
    suffix(exponent - zeros, &mut text);
    text
}

fn decimal_suffix(exponent: i64, text: &mut Canonical) {
    text.push(match exponent {
        -9 => "n",
        -6 => "u",
        -3 => "m",
        3 => "k",
        6 => "M",
        9 => "G",
        12 => "T",
        15 => "P",
        18 => "E",
        // Upstream leaves out a suffix that it does not have.
        _ => "",
    });
}

/// Moves every factor of `base` from `number` to `exponent`.
fn reduce(mut number: i128, mut exponent: i64, base: i128) -> (i128, i64) {
    while number != 0 && number % base == 0 {
        number /= base;
        exponent += 1;
    }
    (number, exponent)
}
