//! Ranges that may stand in a playlist, and those that may not.

use proptest::prelude::*;

use super::*;

/// 2023-11-14T22:13:20Z.
const START_MS: i64 = 1_700_000_000_000;

fn range(id: &str) -> DateRange {
    DateRange { id: id.to_owned(), start_ms: START_MS, ..DateRange::default() }
}

fn refused(change: impl FnOnce(&mut DateRange)) -> String {
    let mut range = range("a");
    change(&mut range);
    range.check().unwrap_err().field
}

#[test]
fn a_tag_says_all_there_is_to_say() {
    let attributes = [
        ("X-COM-EXAMPLE-AD-ID".to_owned(), Value::Text("XYZ123, or so".to_owned())),
        ("X-LEVEL".to_owned(), Value::Number(Finite(-1.5))),
        ("X-RAW".to_owned(), Value::Hex { hex: "0xFC00".to_owned() }),
    ];
    let full = DateRange {
        class: Some("com.example.ad".to_owned()),
        cue: vec![Cue::Pre, Cue::Once],
        end_ms: Some(START_MS + 59_993),
        duration_ms: Some(59_993),
        planned_duration_ms: Some(60_000),
        scte35_out: Some("0xFC302F".to_owned()),
        attributes: attributes.into_iter().collect(),
        ..range("splice-6FFFFFF0")
    };
    full.check().unwrap();
    assert_eq!(
        full.tag(),
        "#EXT-X-DATERANGE:ID=\"splice-6FFFFFF0\",CLASS=\"com.example.ad\",\
         START-DATE=\"2023-11-14T22:13:20.000Z\",CUE=\"PRE,ONCE\",\
         END-DATE=\"2023-11-14T22:14:19.993Z\",DURATION=59.993,PLANNED-DURATION=60.000,\
         X-COM-EXAMPLE-AD-ID=\"XYZ123, or so\",X-LEVEL=-1.5,X-RAW=0xFC00,SCTE35-OUT=0xFC302F"
    );
    assert_eq!(id_of(&full.tag()), Some("splice-6FFFFFF0"));
    let open = DateRange { class: Some("c".to_owned()), end_on_next: true, ..range("b") };
    open.check().unwrap();
    assert!(open.tag().ends_with(",END-ON-NEXT=YES"));
}

#[test]
fn what_contradicts_itself_or_the_grammar_is_refused_by_its_field() {
    assert_eq!(refused(|range| range.id.clear()), "id");
    assert_eq!(refused(|range| range.id = "a\"b".to_owned()), "id");
    assert_eq!(refused(|range| range.id = "a\tb".to_owned()), "id");
    assert_eq!(refused(|range| range.id = "a".repeat(129)), "id");
    assert_eq!(refused(|range| range.class = Some("a\nb".to_owned())), "class");
    assert_eq!(refused(|range| range.start_ms = -1), "start_ms");
    assert_eq!(refused(|range| range.end_ms = Some(START_MS - 1)), "end_ms");
    assert_eq!(refused(|range| range.duration_ms = Some(u64::MAX)), "duration_ms");
    let both = |range: &mut DateRange| {
        (range.end_ms, range.duration_ms) = (Some(START_MS + 2000), Some(2001));
    };
    assert_eq!(refused(both), "end_ms");
    assert_eq!(refused(|range| range.end_on_next = true), "end_on_next");
    let classed = |range: &mut DateRange| {
        (range.class, range.duration_ms) = (Some("c".to_owned()), Some(1));
        range.end_on_next = true;
    };
    assert_eq!(refused(classed), "end_on_next");
    assert_eq!(refused(|range| range.cue = vec![Cue::Pre, Cue::Post]), "cue");
    assert_eq!(refused(|range| range.scte35_in = Some("FC".to_owned())), "scte35_in");
    assert_eq!(refused(|range| range.scte35_cmd = Some("0xFC0".to_owned())), "scte35_cmd");
    let named = |name: &str, text: &str| {
        let (name, value) = (name.to_owned(), Value::Text(text.to_owned()));
        refused(move |range| drop(range.attributes.insert(name, value)))
    };
    assert_eq!(named("COM-EXAMPLE", "a"), "COM-EXAMPLE");
    assert_eq!(named("X-com", "a"), "X-com");
    assert_eq!(named("X-", "a"), "X-");
    assert_eq!(named("X-A", "a\"b"), "X-A");
    assert_eq!(named("X-A", &"a".repeat(TAG_BYTES_MAX)), "attributes");
}

#[test]
fn more_may_be_said_later_but_nothing_else() {
    let open = DateRange { planned_duration_ms: Some(30_000), ..range("a") };
    let closed = DateRange { duration_ms: Some(29_500), ..range("a") };
    let both = open.merged(closed.clone()).unwrap();
    assert_eq!((both.planned_duration_ms, both.duration_ms), (Some(30_000), Some(29_500)));
    assert_eq!(both.end(), Some(START_MS + 29_500));
    assert_eq!(both.merged(open.clone()).unwrap(), both);
    let longer = DateRange { duration_ms: Some(29_501), ..range("a") };
    assert_eq!(both.merged(longer).unwrap_err().field, "duration_ms");
    let moved = DateRange { start_ms: START_MS + 1, ..range("a") };
    assert_eq!(both.merged(moved).unwrap_err().field, "start_ms");
    let next = DateRange { class: Some("c".to_owned()), end_on_next: true, ..range("a") };
    assert_eq!(both.merged(next).unwrap_err().field, "end_on_next");
}

proptest! {
    #[test]
    fn whatever_passes_is_one_line_with_its_attributes_apart(
        id in ".{0,20}",
        name in "X-[A-Z0-9-]{0,6}|.{0,6}",
        text in ".{0,20}",
    ) {
        let mut range = range(&id);
        range.attributes.insert(name.clone(), Value::Text(text.clone()));
        if range.check().is_ok() {
            let tag = range.tag();
            prop_assert_eq!(tag.lines().count(), 1);
            prop_assert_eq!(id_of(&tag), Some(&*id));
            let list = tag.strip_prefix(TAG).unwrap().as_bytes();
            let found = crate::scan::attribute(list, &name).unwrap();
            prop_assert_eq!((found.value, found.is_quoted), (text.as_bytes(), true));
        }
    }
}
