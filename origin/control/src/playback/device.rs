//! A device's name in words, for the viewer's other devices.
//!
//! In: a `User-Agent` (RFC 9110, 10.1.5), which says whatever its sender likes. Out: one of a few dozen names, never a
//! word of the sender's. Does not know sessions.

/// What stands in a program's `User-Agent`, and its name; what others also claim to be comes last.
const PROGRAMS: [(&str, &str); 19] = [
    ("CrKey", "Chromecast"),
    ("AppleCoreMedia", "Apple's player"),
    ("VLC/", "VLC"),
    ("LibVLC", "VLC"),
    ("mpv", "mpv"),
    ("Lavf/", "FFmpeg"),
    ("ExoPlayer", "an app"),
    ("AndroidXMedia3", "an app"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The same for what it runs on.
const SYSTEMS: [(&str, &str); 15] = [
    ("AppleTV", "Apple TV"),
    ("Apple TV", "Apple TV"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Tizen", "a Samsung TV"),
    ("Web0S", "an LG TV"),
    ("webOS", "an LG TV"),
    ("BRAVIA", "a Sony TV"),
    ("Xbox", "Xbox"),
    ("PlayStation", "PlayStation"),
    ("Android", "Android"),
    ("CrOS", "a Chromebook"),
    ("Windows", "Windows"),
    ("Mac", "a Mac"),
    ("Linux", "Linux"),
];

/// Longest `User-Agent` that is looked into, in bytes.
const BYTES_MAX: usize = 1024;

/// The name of the device that sent `user_agent`, such as `Firefox on Android`.
pub(crate) fn name(user_agent: Option<&str>) -> String {
    let sent = user_agent.filter(|text| text.len() <= BYTES_MAX).unwrap_or_default();
    let find = |list: &[(&str, &'static str)]| {
        list.iter().find(|(mark, _)| sent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&PROGRAMS), find(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "another device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_by_what_they_say() {
        for (sent, expected) in [
            (
                "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
                "Firefox on Android",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/131.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari on a Mac",
            ),
            (
                "AppleCoreMedia/1.0.0.22J580 (Apple TV; U; CPU OS 18_1 like Mac OS X; en_us)",
                "Apple's player on Apple TV",
            ),
            ("VLC/3.0.21 LibVLC/3.0.21", "VLC"),
            ("Lavf/59.27.100", "FFmpeg"),
            ("curl/8", "another device"),
            ("", "another device"),
        ] {
            assert_eq!(name(Some(sent)), expected, "{sent}");
        }
        assert_eq!(name(None), "another device");
    }

    #[test]
    fn no_word_of_the_senders_is_passed_on() {
        let sent = "Firefox/1 <script>call 0190</script>\u{1b}[31m Android";
        assert_eq!(name(Some(sent)), "Firefox on Android");
        assert_eq!(name(Some(&"Firefox/".repeat(1000))), "another device");
    }
}
