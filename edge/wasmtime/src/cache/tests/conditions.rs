//! What a request asks of a whole object.

use super::*;

#[test]
fn conditions_are_answered_from_the_whole_object() {
    let whole = object(
        200,
        &[("etag", "W/\"a\""), ("x-request-id", "r"), ("connection", "close")],
        "0123456789",
    );
    let answer = |headers: &[(&str, &str)]| whole.respond(&request("/x", headers), None);
    let ranged = |range: &str| {
        let answer = answer(&[("range", range)]);
        let at = answer.headers().get("content-range").map(|at| at.to_str().unwrap().to_owned());
        (answer.status().as_u16(), at.unwrap_or_default(), answer.into_body())
    };
    let ten = Bytes::from_static(b"0123456789");
    assert_eq!(ranged("bytes=2-4"), (206, "bytes 2-4/10".into(), ten.slice(2..5)));
    assert_eq!(ranged("bytes=8-"), (206, "bytes 8-9/10".into(), ten.slice(8..)));
    assert_eq!(ranged("bytes=-3"), (206, "bytes 7-9/10".into(), ten.slice(7..)));
    assert_eq!(ranged("bytes=5-99999999999"), (206, "bytes 5-9/10".into(), ten.slice(5..)));
    let beyond = ranged("bytes=10-");
    assert_eq!((beyond.0, beyond.1.as_str()), (416, "bytes */10"));
    assert!(beyond.2.starts_with(b"{\"status\":416"));
    for ignored in ["bytes=4-2", "bytes=a-b", "bytes=0-1,3-4", "lines=1-2", "bytes=-"] {
        assert_eq!(ranged(ignored).0, 200, "{ignored}");
    }
    for known in ["\"a\"", "\"b\", W/\"a\"", "*"] {
        let answer = answer(&[("if-none-match", known)]);
        assert_eq!((answer.status().as_u16(), answer.body().len()), (304, 0));
    }
    assert_eq!(answer(&[("if-none-match", "\"b\"")]).status(), 200);
    let mut head = request("/x", &[]);
    head.method = Method::HEAD;
    let answer = whole.respond(&head, None);
    assert_eq!(
        (answer.headers()["content-length"].to_str().unwrap(), answer.body().len()),
        ("10", 0)
    );
    assert!(
        !answer.headers().contains_key("x-request-id")
            && !answer.headers().contains_key("connection")
    );
}

#[test]
fn a_range_is_given_only_of_the_very_bytes_it_was_asked_of() {
    let status = |tag: &str, condition: &str| {
        let whole = object(200, &[("etag", tag)], "0123456789");
        let asked = request("/x", &[("range", "bytes=0-1"), ("if-range", condition)]);
        whole.respond(&asked, None).status().as_u16()
    };
    assert_eq!(status("\"a\"", "\"a\""), 206);
    assert_eq!(status("\"a\"", "\"b\""), 200);
    assert_eq!(status("W/\"a\"", "W/\"a\""), 200, "alike is not the same");
}

#[test]
fn an_answer_without_a_date_is_given_one() {
    assert_eq!(head(200, &[]).headers["date"], DATE);
    assert_eq!(head(200, &[("date", "then")]).headers["date"], "then");
}
