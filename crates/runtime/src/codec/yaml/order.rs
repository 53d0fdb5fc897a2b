//! The order in which goyaml.v2 writes keys: that of numbers where they have digits.

use std::cmp::Ordering;

/// Compares two different keys.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else {
        return a.len().cmp(&b.len());
    };
    let (left, right) = (a[at], b[at]);
    match (left.is_alphabetic(), right.is_alphabetic()) {
        (true, true) => return left.cmp(&right),
        // What is no letter comes first.
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Zeros within a number count, those in front of it do not.
    let mut start = 0;
    if left == '0' || right == '0' {
        let before = a[..at]
            .iter()
            .rev()
            .take_while(|letter| letter.is_numeric());
        if before.into_iter().any(|&letter| letter != '0') {
            start = 1;
        }
    }
    let (left_number, left_length) = number(&a[at..], start);
    let (right_number, right_length) = number(&b[at..], start);
    left_number
        .cmp(&right_number)
        .then(left_length.cmp(&right_length))
        .then(left.cmp(&right))
}

fn number(letters: &[char], start: i64) -> (i64, usize) {
    let digits = letters.iter().take_while(|letter| letter.is_numeric());
    digits.fold((start, 0), |(number, length), &digit| {
        let digit = i64::from(u32::from(digit)) - i64::from(b'0');
        (number.wrapping_mul(10).wrapping_add(digit), length + 1)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_come_in_the_order_of_people() {
        assert!(super::compare("a2", "a10").is_lt());
        assert!(super::compare("a10", "a2").is_gt());
        assert!(super::compare("a-b", "ab").is_lt());
        assert!(super::compare("ab", "a-b").is_gt());
        assert!(super::compare("a", "ab").is_lt());
        assert!(super::compare("apiVersion", "kind").is_lt());
        assert!(super::compare("f:a", "f:b").is_lt());
        assert!(super::compare("a100", "a101").is_lt());
        assert!(super::compare("a1", "a01").is_lt());
    }
}
