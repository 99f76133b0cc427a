//! A line of subtitles as the text of a WebVTT cue.
//!
//! In: an event of ASS, which is what FFmpeg makes of every text form: eight fields, then text with override tags. Out:
//! lines that need no style: what is italic, bold or underlined is marked so. Does not know when it is shown.

/// Fields of an event before its text (`ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text`).
const FIELDS: usize = 8;
/// What is kept of the style: a tag's letter is the same in both forms.
const MARKS: [char; 3] = ['i', 'b', 'u'];

/// The text of an event, at most so many characters of it. Empty if nothing is to be read.
pub(crate) fn text_of(event: &str, chars_max: usize) -> String {
    let text = event.splitn(FIELDS + 1, ',').nth(FIELDS).unwrap_or_default();
    let mut cue = Cue { text: String::new(), open: Vec::new(), chars_left: chars_max };
    let mut is_drawing = false;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let after = &rest[next.len_utf8()..];
        if next == '{'
            && let Some((tags, behind)) = after.split_once('}')
        {
            cue.restyle(tags, &mut is_drawing);
            rest = behind;
            continue;
        }
        let escaped = (next == '\\').then(|| after.chars().next()).flatten();
        let (written, behind) = match escaped {
            Some('N' | 'n') => ('\n', &after[1..]),
            Some('h') => ('\u{a0}', &after[1..]),
            _ => (next, after),
        };
        if !is_drawing {
            cue.write(written);
        }
        rest = behind;
    }
    cue.finish()
}

struct Cue {
    text: String,
    open: Vec<char>,
    chars_left: usize,
}

impl Cue {
    /// Override tags: `\i1` begins what is italic, `\i0` ends it, `\r` ends everything, `\p1` begins a drawing.
    fn restyle(&mut self, tags: &str, is_drawing: &mut bool) {
        for tag in tags.split('\\').skip(1) {
            let tag = tag.trim();
            let mut chars = tag.chars();
            let (name, value) = (chars.next(), chars.as_str());
            match name {
                Some('r') => self.close_to(0),
                Some('p') => {
                    if let Ok(scale) = value.parse::<u32>() {
                        *is_drawing = scale > 0;
                    }
                }
                Some(mark) if MARKS.contains(&mark) => {
                    if let Ok(weight) = value.parse::<u32>() {
                        self.mark(mark, weight > 0);
                    }
                }
                _ => {}
            }
        }
    }

    fn mark(&mut self, mark: char, begins: bool) {
        let at = self.open.iter().position(|open| *open == mark);
        match (at, begins) {
            (None, true) => {
                self.open.push(mark);
                self.text.extend(['<', mark, '>']);
            }
            (Some(at), false) => {
                // What was begun later goes on behind its end.
                let within = self.open.split_off(at + 1);
                self.close_marks(&within);
                self.close_to(at);
                for mark in within {
                    self.mark(mark, true);
                }
            }
            _ => {}
        }
    }

    fn close_to(&mut self, length: usize) {
        let closed = self.open.split_off(length.min(self.open.len()));
        self.close_marks(&closed);
    }

    fn close_marks(&mut self, marks: &[char]) {
        for mark in marks.iter().rev() {
            self.text.extend(['<', '/', *mark, '>']);
        }
    }

    fn write(&mut self, written: char) {
        let Some(left) = self.chars_left.checked_sub(1) else { return };
        self.chars_left = left;
        match written {
            '&' => self.text.push_str("&amp;"),
            '<' => self.text.push_str("&lt;"),
            '>' => self.text.push_str("&gt;"), // no `-->` stands in a cue
            '\n' => self.text.push('\n'),
            control if control.is_control() => {}
            other => self.text.push(other),
        }
    }

    /// An empty line would end the cue.
    fn finish(mut self) -> String {
        self.close_to(0);
        let lines = self.text.lines().map(str::trim).filter(|line| !line.is_empty());
        let text = lines.collect::<Vec<_>>().join("\n");
        let is_read = strip(&text).chars().any(|one| !one.is_whitespace());
        if is_read { text } else { String::new() }
    }
}

/// Without tags.
fn strip(text: &str) -> String {
    let mut is_tag = false;
    let shown = |one: &char| {
        let was_tag = is_tag;
        is_tag = if *one == '<' { true } else { is_tag && *one != '>' };
        !(is_tag || was_tag)
    };
    text.chars().filter(shown).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> String {
        text_of(&format!("0,0,Default,,0,0,0,,{text}"), 100)
    }

    #[test]
    fn lines_stay_and_what_webvtt_reads_otherwise_is_escaped() {
        assert_eq!(text(r"One, two\Nthree"), "One, two\nthree");
        assert_eq!(text(r"A --> B & <C>\hD"), "A --&gt; B &amp; &lt;C&gt;\u{a0}D");
        assert_eq!(text(r"\N a \N\N b\N"), "a\nb");
        assert_eq!(text("{no end"), "{no end");
        assert_eq!(text(r"a\"), r"a\");
    }

    #[test]
    fn what_is_italic_bold_or_underlined_stays_so_and_other_style_goes() {
        assert_eq!(text(r"{\an8\i1}Hey{\i0} {\c&HFF&}you"), "<i>Hey</i> you");
        assert_eq!(text(r"{\b700}{\u1}x"), "<b><u>x</u></b>");
        assert_eq!(text(r"{\i1}a{\b1}b{\i0}c"), "<i>a<b>b</b></i><b>c</b>");
        assert_eq!(text(r"{\i1}a{\r}b{\i0}"), "<i>a</i>b");
        assert_eq!(text(r"{\blur3\iclip(1)\be1}a"), "a");
    }

    #[test]
    fn drawings_and_blanks_are_nothing() {
        assert_eq!(text(r"{\p1}m 0 0 l 100 0{\p0}"), "");
        assert_eq!(text(r"{\i1} {\i0}\N"), "");
        assert_eq!(text_of("no fields", 100), "");
    }

    #[test]
    fn no_more_than_so_much_is_taken() {
        assert_eq!(text_of(r"0,0,,,0,0,0,,{\i1}abcdef", 3), "<i>abc</i>");
    }

    proptest! {
        #[test]
        fn every_tag_is_closed_and_nothing_else_is_a_tag(
            text in r"([a-z<>&,]|\\N|\{\\[ibur][01]?\}|\{\\p[01]\}|[{}\\])*",
        ) {
            let cue = text_of(&format!("0,0,,,0,0,0,,{text}"), 50);
            let mut open = Vec::new();
            for tag in cue.split('<').skip(1) {
                let (tag, _) = tag.split_once('>').unwrap();
                match tag.strip_prefix('/') {
                    Some(closed) => prop_assert_eq!(open.pop(), Some(closed)),
                    None => open.push(tag),
                }
            }
            prop_assert!(open.is_empty() && !cue.contains("-->") && !cue.contains("\n\n"));
        }
    }
}
