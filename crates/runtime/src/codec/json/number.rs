//! Numbers as Go's `encoding/json` writes them.

/// Appends `number`: plainly if it is neither tiny nor huge, else with an exponent. What is not
/// finite has no form in JSON; no decoder lets it in, and it is written as `null`.
pub(super) fn float(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() {
        out.extend_from_slice(b"null");
        return;
    }
    let magnitude = number.abs();
    let exponential = magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude);
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(number);
    let (negative, digits, exponent) = parts(shortest);
    if negative {
        out.push(b'-');
    }
    let digits = &digits[..];
    if exponential {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.push(b'e');
        out.push(if exponent < 0 { b'-' } else { b'+' });
        integer(i64::from(exponent.abs()), out);
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + (-exponent - 1) as usize, b'0');
        out.extend_from_slice(digits);
    } else {
        let whole = exponent as usize + 1;
        if digits.len() <= whole {
            out.extend_from_slice(digits);
            out.resize(out.len() + whole - digits.len(), b'0');
        } else {
            out.extend_from_slice(&digits[..whole]);
            out.push(b'.');
            out.extend_from_slice(&digits[whole..]);
        }
    }
}

/// Appends `number`.
#[inline]
pub(super) fn integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Sign, digits without zeros at either end, and the exponent of the first digit.
fn parts(shortest: &str) -> (bool, Vec<u8>, i32) {
    let (negative, rest) = match shortest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, shortest),
    };
    let (mantissa, exponent) = rest.split_once('e').unwrap_or((rest, "0"));
    let mut exponent: i32 = exponent.parse().unwrap_or_default();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent += whole.len() as i32 - 1;
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    if zeros == digits.len() {
        return (negative, vec![b'0'], 0);
    }
    digits.drain(..zeros);
    exponent -= zeros as i32;
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    (negative, digits, exponent)
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(number: f64, expected: &str) {
        let mut out = Vec::new();
        super::float(number, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn numbers_of_common_size_are_written_plainly() {
        check(0.0, "0");
        check(-0.0, "-0");
        check(1.0, "1");
        check(-1.5, "-1.5");
        check(100.0, "100");
        check(123456.789, "123456.789");
        check(0.1, "0.1");
        check(0.000001, "0.000001");
        check(0.00012, "0.00012");
        check(123456789012345680000.0, "123456789012345680000");
        check(999999999999999900000.0, "999999999999999900000");
    }

    #[test]
    fn tiny_and_huge_ones_have_an_exponent() {
        check(1e21, "1e+21");
        check(1.5e300, "1.5e+300");
        check(1e-7, "1e-7");
        check(-1.25e-10, "-1.25e-10");
        check(f64::MAX, "1.7976931348623157e+308");
        check(5e-324, "5e-324");
    }
}
