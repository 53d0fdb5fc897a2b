use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let found = match Quantity::canonicalize(text) {
        Ok(canonical) => canonical.into_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn the_canonical_form_has_no_fraction_and_the_largest_suffix() {
    check("0", "0");
    check("0.5", "500m");
    check(".5", "500m");
    check("1500m", "1500m");
    check("5000m", "5");
    check("1000", "1k");
    check("12000000", "12M");
    check("100", "100");
    check("1.5", "1500m");
    check("-0.5", "-500m");
    check("0.0001", "100u");
    check("3000000000n", "3");
    check(" 1 ", "1");
    check("1000000E", "1");
}

#[test]
fn powers_of_1024_stay_so_while_they_are_whole_and_not_small() {
    check("1024Mi", "1Gi");
    check("8Gi", "8Gi");
    check("1536Mi", "1536Mi");
    check("1.5Gi", "1536Mi");
    check("0.5Ki", "512");
    check("1.1Gi", "1181116006400m");
    check("0.0000001Ki", "102400n");
    check("-1024Ki", "-1Mi");
    check("0Ki", "0");
    check("7Ei", "7Ei");
}

#[test]
fn exponents_stay_exponents() {
    check("1e3", "1e3");
    check("10e2", "1e3");
    check("1E6", "1E6");
    check("12e7", "120e6");
    check("1e0", "1e0");
    check("1000e0", "1e3");
    check("1e-3", "1e-3");
    check("1e-10", "1e-9");
    check("1e100", "10e99");
    check("1e2147483646", "1e2147483646");
}

#[test]
fn some_texts_are_kept_though_they_are_not_canonical() {
    for text in ["+1", "1.", "007", "1.500", "+1Ki", "1e+3", "1e03"] {
        check(text, text);
    }
    check("+1Ei", "1Ei");
    check("+8Ki", "8Ki");
}

#[test]
fn what_is_too_fine_is_rounded_up_and_what_is_too_large_is_capped() {
    check("0.0000000001", "1n");
    check("-0.0000000001", "-1n");
    check("1.0000000001", "1000000001n");
    check("1e-100000", "1e-9");
    check("9Ei", "9223372036854775807");
    check("-100Ei", "-9223372036854775807");
    check("9223372036854775807", "9223372036854775807");
    check("9223372036854775808000", "9223372036854775808k");
}

#[test]
fn what_is_no_quantity_is_refused_in_upstreams_words() {
    let format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    for text in [
        "", "abc", "1 Ki", "1x", "1.2.3", "1e3.5", "1KI", "1Ki1x", "é",
    ] {
        check(text, format);
    }
    for text in [
        "1mm",
        "1e",
        "1ee",
        "1k5",
        "--1",
        "1ki",
        "1i",
        "1e99999999999999999999",
    ] {
        check(text, "unable to parse quantity's suffix");
    }
    for text in [".Ei", "Ei"] {
        check(text, "unable to parse numeric part of quantity");
    }
}

#[test]
fn upstreams_leniencies_are_kept() {
    for text in [".", "+", "-", "m", "Ki", "000"] {
        check(text, "0");
    }
}

#[test]
fn rounding_up_keeps_a_text_that_is_fine_already() {
    let rounded = |text| {
        Quantity::canonicalize_rounded(text, Scale::MILLI)
            .expect("a quantity")
            .into_owned()
    };
    assert_eq!(rounded("1.500"), "1.500");
    assert_eq!(rounded("1500u"), "2m");
    assert_eq!(rounded("1n"), "1m");
    assert_eq!(rounded("-1n"), "-1m");
    assert_eq!(rounded("1Gi"), "1Gi");
}

#[test]
fn values_are_rounded_away_from_zero_and_stop_at_64_bits() {
    let quantity = |text: &str| Quantity::parse(text).expect("a quantity");
    assert_eq!(quantity("1.1").value(), 2);
    assert_eq!(quantity("-1.1").value(), -2);
    assert_eq!(quantity("100m").milli_value(), 100);
    assert_eq!(quantity("1n").milli_value(), 1);
    assert_eq!(quantity("1Gi").value(), 1 << 30);
    assert_eq!(quantity("1e1000000000").value(), i64::MAX);
    assert_eq!(quantity("-1e1000000000").milli_value(), i64::MIN);
    assert_eq!(quantity("0e1000000000").value(), 0);
    assert!((quantity("1.5Ki").to_f64() - 1536.0).abs() < 1e-9);
}

#[test]
fn numbers_far_apart_compare_and_add() {
    let quantity = |text: &str| Quantity::parse(text).expect("a quantity");
    let (huge, tiny) = (quantity("1e2000000000"), quantity("1n"));
    assert!(tiny < huge);
    assert!(-huge < -tiny);
    assert_eq!(huge + tiny, huge);
    assert_eq!(tiny - huge, -huge);
    assert_eq!(quantity("1Gi"), quantity("1073741824"));
    let long = "1".repeat(60);
    assert!(quantity(&long) > quantity(&long[1..]));
    assert_eq!(huge.times(i64::MAX).times(i64::MAX).signum(), 1);
}

#[test]
fn zero_takes_on_the_others_way_of_writing() {
    let sum = Quantity::ZERO + Quantity::new(1 << 20, Format::BinarySi);
    assert_eq!(sum.to_string(), "1Mi");
    assert_eq!(
        (sum - sum + Quantity::new(1000, Format::DecimalSi)).to_string(),
        "1k"
    );
    assert_eq!(
        Quantity::from_milli(1500, Format::DecimalSi)
            .times(2)
            .to_string(),
        "3"
    );
}

/// A text and the number it stands for, in billionths, rounded up: computed the slow way.
fn texts() -> impl Strategy<Value = (String, i128)> {
    let suffixes: Vec<(&str, i128, i128)> = vec![
        ("n", 1, 1_000_000_000),
        ("u", 1, 1_000_000),
        ("m", 1, 1000),
        ("", 1, 1),
        ("k", 1000, 1),
        ("M", 1_000_000, 1),
        ("G", 1_000_000_000, 1),
        ("e2", 100, 1),
        ("e-4", 1, 10_000),
        ("Ki", 1 << 10, 1),
        ("Mi", 1 << 20, 1),
        ("Gi", 1 << 30, 1),
    ];
    let number = (
        any::<bool>(),
        0..10_000_000_i128,
        prop::option::of("[0-9]{0,12}"),
        prop::sample::select(suffixes),
    );
    number.prop_map(|(negative, whole, fraction, (suffix, times, per))| {
        let fraction = fraction.unwrap_or_default();
        let digits: i128 = format!("{whole}{fraction}").parse().expect("digits");
        let below = 10_i128.pow(fraction.len() as u32) * per;
        let numerator = digits * 1_000_000_000 * times;
        let nanos = numerator / below + i128::from(numerator % below != 0);
        let point = if fraction.is_empty() { "" } else { "." };
        let sign = if negative { "-" } else { "" };
        (
            format!("{sign}{whole}{point}{fraction}{suffix}"),
            if negative { -nanos } else { nanos },
        )
    })
}

fn nanos(quantity: Quantity) -> i128 {
    let times = u32::try_from(quantity.exponent + 9).expect("no finer than billionths");
    quantity.mantissa * 10_i128.pow(times)
}

proptest! {
    #[test]
    fn reading_is_exact_to_billionths((text, expected) in texts()) {
        prop_assert_eq!(nanos(Quantity::parse(&text).expect("a quantity")), expected);
    }

    #[test]
    fn writing_keeps_the_number_and_is_stable((text, expected) in texts()) {
        let quantity = Quantity::parse(&text).expect("a quantity");
        let canonical = quantity.to_string();
        prop_assert!(!canonical.contains('.'));
        prop_assert_eq!(nanos(Quantity::parse(&canonical).expect("canonical")), expected);
        let again = Quantity::canonicalize(&canonical).expect("canonical");
        prop_assert!(matches!(&again, Cow::Borrowed(_)), "{canonical} became {again}");
        let kept = Quantity::canonicalize(&text).expect("a quantity");
        prop_assert_eq!(Quantity::parse(&kept).expect("canonical"), quantity);
    }

    #[test]
    fn comparing_adding_and_subtracting_go_by_the_number((a, x) in texts(), (b, y) in texts()) {
        let (a, b) = (Quantity::parse(&a).expect("a quantity"), Quantity::parse(&b).expect("a quantity"));
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert_eq!(nanos(a + b), x + y);
        prop_assert_eq!(nanos(a - b), x - y);
        prop_assert_eq!(nanos(-a), -x);
    }

    #[test]
    fn no_text_panics(text in "[-+]{0,2}[0-9.]{0,50}[eEinumkKMGTPi]{0,3}[-+]?[0-9]{0,12}", other in "[0-9]{1,50}[eE]-?[0-9]{1,10}") {
        if let (Ok(a), Ok(b)) = (Quantity::parse(&text), Quantity::parse(&other)) {
            let results = [a + b, a - b, b - a, -a, a.times(i64::MIN)];
            for result in results {
                let _ = (result.to_string(), result.value(), result.milli_value(), result.to_f64(), result.cmp(&a));
            }
        }
    }
}
