//! Where on the picture a cue stands, as WebVTT says it.
//!
//! In: what follows a cue's times. Out: what of it is valid. Does not know pictures.

/// Of a cue's settings (WebVTT, 4.4) those that are valid, as they were written; of two of a name the first. Regions
/// are not among them: the texts that players get define none.
pub(crate) fn valid(text: &str) -> String {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for setting in text.split_ascii_whitespace() {
        if let Some((name, value)) = setting.split_once(':')
            && kept.iter().all(|(other, _)| *other != name)
            && is_valid(name, value)
        {
            kept.push((name, setting));
        }
    }
    kept.into_iter().map(|(_, setting)| setting).collect::<Vec<_>>().join(" ")
}

fn is_valid(name: &str, value: &str) -> bool {
    let (first, side) = value.split_once(',').map_or((value, None), |(a, b)| (a, Some(b)));
    let is_at = |sides: &[&str]| side.is_none_or(|side| sides.contains(&side));
    match name {
        "vertical" => matches!(value, "rl" | "lr"),
        "line" => (is_line(first) || is_share(first)) && is_at(&["start", "center", "end"]),
        "position" => is_share(first) && is_at(&["line-left", "center", "line-right"]),
        "size" => is_share(value),
        "align" => matches!(value, "start" | "center" | "end" | "left" | "right"),
        _ => false,
    }
}

/// A line, counted from the top, or from the bottom where it is negative.
fn is_line(text: &str) -> bool {
    is_digits(text.strip_prefix('-').unwrap_or(text), 3)
}

/// A share from `0%` to `100%`, decimals allowed.
fn is_share(text: &str) -> bool {
    let Some(number) = text.strip_suffix('%') else { return false };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let share = number.parse::<f64>();
    is_digits(whole, 3) && is_digits(part, 6) && share.is_ok_and(|share| share <= 100.0)
}

fn is_digits(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_valid_are_kept() {
        for text in [
            "line:0 position:50%,center size:35.5% align:start vertical:rl",
            "line:-1",
            "line:12%,end align:right",
        ] {
            assert_eq!(valid(text), text);
        }
        assert_eq!(valid("  line:1\tline:2  region:a align:middle"), "line:1");
        for wrong in [
            "line:",
            "line:x",
            "line:1.5",
            "line:-1%",
            "line:1,top",
            "size:101%",
            "size:5",
            "size:5%,center",
            "position:5",
            "position:5%,start",
            "position:.5%",
            "position:5.%",
            "align",
            "align:",
            ":rl",
            "Line:1",
            "vertical:tb",
            "size:+5%",
            "size:1e1%",
            "size:inf%",
        ] {
            assert_eq!(valid(wrong), "", "{wrong}");
        }
    }
}
