//! CBOR: what is written reads back, what is hostile is refused, another library agrees.

use proptest::prelude::*;

use super::*;

fn nested(levels: usize) -> Vec<u8> {
    let mut bytes = vec![0x81; levels];
    bytes.push(0);
    bytes
}

#[test]
fn the_limits_are_limits() {
    assert!(Value::read(&nested(CBOR_DEPTH_MAX - 1)).is_some());
    assert!(Value::read(&nested(CBOR_DEPTH_MAX)).is_none());
    assert!(Value::read(&nested(100_000)).is_none());
    let array = |count: u16| {
        let [high, low] = count.to_be_bytes();
        [vec![0x99, high, low], vec![0; usize::from(count)]].concat()
    };
    assert!(Value::read(&array(511)).is_some());
    assert!(Value::read(&array(512)).is_none());
    // Lengths that promise more than there is.
    for head in
        [&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &[0xba, 0x7f, 0, 0, 0]]
    {
        assert!(Value::read(head).is_none());
        assert!(Value::read(&[&[0x5b][..], &head[1..]].concat()).is_none());
    }
}

#[test]
fn what_is_odd_is_refused() {
    for (what, bytes) in [
        ("nothing", &[][..]),
        ("more than one", &[0, 0]),
        ("a key twice", &[0xa2, 1, 1, 1, 2]),
        ("bytes of no stated length", &[0x5f, 0x41, 0, 0xff]),
        ("a text of no stated length", &[0x7f, 0x61, 0x61, 0xff]),
        ("an array of no stated length", &[0x9f, 0xff]),
        ("a map of no stated length", &[0xbf, 0xff]),
        ("a text that is none", &[0x61, 0xff]),
        ("2^64 - 1", &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("a break", &[0xff]),
        ("half a number", &[0x19, 0]),
    ] {
        assert_eq!(Value::read(bytes), None, "{what}");
    }
}

#[test]
fn a_map_of_any_keys_is_a_map() {
    assert_eq!(Value::read(&[0xd9, 1, 3, 0xa1, 1, 2]), Some(Value::map([(1, Value::Int(2))])));
    // Around anything else the tag stays, and will be refused by whoever asked for a map.
    assert!(matches!(Value::read(&[0xd9, 1, 3, 1]), Some(Value::Tag(259, _))));
}

fn any_value() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<i32>().prop_map(|number| Value::Float(f64::from(number) + 0.5)),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Value::Bytes(bytes.into())),
        ".{0,20}".prop_map(|text| Value::Text(text.into())),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let keyed = prop::collection::btree_map(any::<i16>(), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            keyed.prop_map(|map| Value::map(map.into_iter().map(|(k, v)| (i64::from(k), v)))),
            (300_u64..1000, inner).prop_map(|(tag, value)| Value::Tag(tag, Box::new(value))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_reads_back_here_and_elsewhere(value in any_value()) {
        let bytes = value.to_bytes();
        prop_assert_eq!(Value::read(&bytes), Some(value.clone()));
        let theirs: coset::cbor::Value = coset::cbor::from_reader(bytes.as_slice()).unwrap();
        let mut again = Vec::new();
        coset::cbor::into_writer(&theirs, &mut again).unwrap();
        // They write numbers with a fraction in as few bytes as hold them.
        prop_assert_eq!(Value::read(&again).is_some() || again.contains(&0xf9), true);
        prop_assert_eq!(value.into_owned().to_bytes(), bytes);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(value) = Value::read(&bytes) {
            let again = value.to_bytes();
            prop_assert_eq!(Value::read(&again).is_some(), true);
        }
    }
}
