use super::*;
use proptest::prelude::*;

#[test]
fn sizes_are_read_and_shown() {
    let table = [
        ("640 GiB", Some(640 << 30), "687.2 GB"),
        ("1.5TB", Some(1_500_000_000_000), "1.5 TB"),
        ("512 B", Some(512), "512 B"),
        ("12.3 kB", Some(12_300), "12.3 kB"),
        ("65.5 GB", Some(65_500_000_000), "65.5 GB"),
        ("B", None, ""),
        ("12 GBGB", None, ""),
        ("999.99 KB", Some(999_990), "1.0 MB"),
        ("12", None, ""),
        ("-1 GiB", None, ""),
        (".5 GiB", None, ""),
        ("1e3 GiB", None, ""),
        ("99999999999999 TiB", None, ""),
    ];
    for (text, bytes, shown) in table {
        let read = Bytes::parse(text).ok();
        assert_eq!(read, bytes.map(Bytes), "{text}");
        assert_eq!(read.map(|b| b.to_string()).unwrap_or_default(), shown, "{text}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn tokens_shares_and_times_are_read_and_shown() {
    let tokens = [
        ("32k", "32k"),
        ("32768", "32k"),
        ("32 k", "32k"),
        ("1000", "1000"),
        ("1M", "1024k"),
        ("2m", "2048k"),
        ("131,072", "128k"),
        ("131_072", "128k"),
        ("1,048,576", "1024k"),
        ("13,1072", ""),
        (",072", ""),
        ("1234,567", ""),
        ("0", ""),
        ("-4k", ""),
        ("k", ""),
        ("4096M", ""),
        ("9999999k", ""),
    ];
    for (text, shown) in tokens {
        assert_eq!(Tokens::parse(text).map(|t| t.to_string()).unwrap_or_default(), shown, "{text}");
    }
    let shares = [
        ("90%", "90%"),
        ("92.5%", "92.5%"),
        ("92.5 %", "92.5%"),
        ("100%", "100%"),
        ("0.9", "90%"),
        ("0.925", "92.5%"),
        ("90", "90%"),
        ("40.0", "40%"),
        ("1", "100%"),
        ("1.0", "100%"),
        ("0.5%", "0.5%"),
        ("1.5", ""),
        ("101%", ""),
        ("101", ""),
        ("0%", ""),
        ("0", ""),
        ("-0.9", ""),
        ("9e-1", ""),
    ];
    for (text, shown) in shares {
        assert_eq!(Percent::parse(text).map(|t| t.to_string()).unwrap_or_default(), shown, "{text}");
    }
    let times = [
        ("90s", "1m 30s"),
        ("10m", "10m"),
        ("2h", "2h"),
        ("1m 20s", "1m 20s"),
        ("1m20s", "1m 20s"),
        ("2h 10m", "2h 10m"),
        ("1h 0m 5s", "1h"),
        ("0s", ""),
        ("20s 1m", ""),
        ("1m 1m", ""),
        ("1m 20", ""),
        ("90", ""),
        ("ten", ""),
        ("-1m", ""),
        ("99999999999999999h", ""),
    ];
    for (text, shown) in times {
        assert_eq!(Seconds::parse(text).map(|t| t.to_string()).unwrap_or_default(), shown, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_printed_is_read_again(tokens in 1_u32.., hundredths in 1_u64..=10_000, seconds in 1_u64..400_000, bytes in 0_u64..1 << 53) {
        let tokens = Tokens(tokens);
        prop_assert_eq!(Tokens::parse(&tokens.to_string()), Ok(tokens));
        let whole = Tokens(tokens.0 % 4_000_000 * 1024);
        prop_assert!(whole.0 == 0 || Tokens::parse(&whole.to_string()) == Ok(whole));
        let share = Percent::parse(&format!("{}.{:02}%", hundredths / 100, hundredths % 100)).unwrap();
        prop_assert_eq!(Percent::parse(&share.to_string()), Ok(share));
        prop_assert_eq!(Percent::parse(&share.fraction().to_string()), Ok(share));
        // these print fewer digits than they have: what is printed is read as what it says
        let printed = Seconds(seconds).to_string();
        prop_assert_eq!(Seconds::parse(&printed).unwrap().to_string(), printed);
        let printed = Bytes(bytes).to_string();
        prop_assert_eq!(Bytes::parse(&printed).unwrap().to_string(), printed);
    }
}
