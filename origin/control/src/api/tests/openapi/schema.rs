//! Holds the schemas of `openapi.json` to the types of `shared_wire`: examples of each type, with everything and with
//! as little as possible, fit the schema; and what the schema forbids, the type refuses.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared_playlist::DateRange;
use shared_wire::api::{
    Account, AccountList, Alarm, Asset, AssetJob, AssetJobList, AssetList, AssetPlan, AssetState,
    AssetStatistics, AudioInfo, Broadcast, CaptionTrack, CaptionsTaken, ChangeAsset, ChangeShow,
    Chapter, ChapterList, ChapterMark, ClosedCaptionName, CreatedAccount, CreatedShow,
    DateRangeList, Dropped, EndPlayback, HouseStatus, Id3Taken, Import, IssuedTicket, KeepHdr,
    LeftOut, MediaInfo, NewAccount, NewCaptions, NewCue, NewId3, NewPlayback, NewQuota, NewShow,
    NewTicket, OnAir, PicturePlan, Playback, Priority, Retention, RevokeTicket, RungPlan,
    SessionList, SessionState, SetChapters, ShowList, ShowState, SoundName, SoundPlan, State,
    StreamInfo, SubtitlePlan, Subtitles, SubtitlesList, TicketList, TicketState, Tier, TierList,
    Trim, Usage, VideoInfo, Visibility, WhenFull, Worker, WorkerList, WorkerState,
};
use shared_wire::{Policy, Problem, ShowId};

use super::{document, object};

const ID: &str = "0123456789abcdef";

/// Why a value does not fit a schema; `None` if it does. Knows the keywords the document uses, and fails on others.
fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    // The type first: the other keywords speak of values of that type.
    let (types, others): (Vec<_>, Vec<_>) = object(schema).iter().partition(|(k, _)| *k == "type");
    for (keyword, rule) in types.into_iter().chain(others) {
        let fits = match keyword.as_str() {
            "$ref" => {
                let target = document.pointer(rule.as_str().unwrap().trim_start_matches('#'));
                if let Some(why) = misfit(document, target.unwrap(), value) {
                    return Some(why);
                }
                true
            }
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_i64(),
                "boolean" => value.is_boolean(),
                other => panic!("unknown type {other}"),
            },
            "required" => {
                let names = rule.as_array().unwrap();
                names.iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "properties" => {
                for (name, schema) in object(rule) {
                    if let Some(why) = value.get(name).and_then(|v| misfit(document, schema, v)) {
                        return Some(format!("{name}: {why}"));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = object(&schema["properties"]);
                object(value).keys().all(|name| known.contains_key(name))
            }
            "items" => {
                let why = value.as_array().unwrap().iter().find_map(|v| misfit(document, rule, v));
                if why.is_some() {
                    return why;
                }
                true
            }
            "enum" => rule.as_array().unwrap().contains(value),
            "minItems" => value.as_array().unwrap().len() as i64 >= rule.as_i64().unwrap(),
            "maxItems" => value.as_array().unwrap().len() as i64 <= rule.as_i64().unwrap(),
            "minLength" => value.as_str().unwrap().chars().count() as i64 >= rule.as_i64().unwrap(),
            "maxLength" => value.as_str().unwrap().chars().count() as i64 <= rule.as_i64().unwrap(),
            "minimum" => value.as_i64() >= rule.as_i64(),
            "maximum" => value.as_i64() <= rule.as_i64(),
            // Held to the types' own forms by the tests of the ids and secrets.
            "pattern" | "format" | "description" => true,
            other => panic!("unknown keyword {other}"),
        };
        if !fits {
            return Some(format!("{value} against {keyword} {rule}"));
        }
    }
    None
}

/// Checks one type against the schema of its name. `full` has every field; `closed` types take no other.
fn check<T: Serialize + DeserializeOwned>(name: &str, full: Value, closed: bool) {
    let document = document();
    let schema = &document["components"]["schemas"][name];
    let read = |value: &Value| serde_json::from_value::<T>(value.clone());
    let written = |value: &T| serde_json::to_value(value).unwrap();

    assert_eq!(misfit(&document, schema, &full), None, "{name}");
    assert_eq!(written(&read(&full).unwrap()), full, "{name} reads and writes what is described");
    let described: Vec<_> = object(&schema["properties"]).keys().collect();
    assert_eq!(object(&full).keys().collect::<Vec<_>>(), described, "{name} has these fields");

    let required = schema["required"].as_array().unwrap();
    for field in object(&full).keys() {
        let mut without = full.clone();
        without.as_object_mut().unwrap().remove(field);
        let needed = required.contains(&json!(field));
        assert_eq!(read(&without).is_err(), needed, "{name} without {field}");
        assert_eq!(misfit(&document, schema, &without).is_some(), needed, "{name}");
        if !needed {
            assert_eq!(written(&read(&without).unwrap()), without, "{name} leaves {field} out");
        }
        let mut wrong = full.clone();
        wrong[field] = json!([true]);
        assert!(read(&wrong).is_err() && misfit(&document, schema, &wrong).is_some(), "{name}");
    }

    let mut more = full;
    more["more"] = json!(1);
    assert_eq!(read(&more).is_err(), closed, "{name} with more");
    assert_eq!(misfit(&document, schema, &more).is_some(), closed, "{name} with more");
}

fn show() -> Value {
    json!({
        "asset": ID, "broadcast": broadcast(), "cover": "cover.jpg", "has_chapters": true,
        "is_growing": true,
        "show": ID, "starts_at": 2, "state": "live", "title": "t", "trim": trim(),
        "when_full": "refuse"
    })
}

fn retention() -> Value {
    json!({ "forever": true, "keep_until": 9 })
}

fn trim() -> Value {
    json!({ "in_ms": 1, "out_ms": 2 })
}

fn caption_track() -> Value {
    json!({ "default": true, "language": "en", "name": "English" })
}

fn sound_name() -> Value {
    json!({ "language": "de", "name": "Kommentar" })
}

fn closed_caption_name() -> Value {
    json!({ "channel": "CC1", "language": "en", "name": "English" })
}

fn broadcast() -> Value {
    json!({
        "captions": [caption_track()],
        "closed_captions": [closed_caption_name()],
        "dvr_window_s": 600,
        "ladder": [{ "bit_rate": 900_000, "codec": "hevc", "height": 480 }],
        "recording_bytes_max": 5,
        "second_publisher": "take-over",
        "sounds": [sound_name()],
        "while_away": "slate",
    })
}

fn ticket() -> Value {
    json!({
        "created_at": 1, "expires_at": 2, "id": ID, "note": "n", "revoked_at": 3, "show": ID,
        "tier": "all"
    })
}

fn session() -> Value {
    json!({
        "created_at": 1, "denied": "displaced", "device": "VLC", "ended_at": 3, "expires_at": 2,
        "session": ID, "ticket": ID
    })
}

fn date_range() -> Value {
    json!({
        "attributes": { "X-A": "a", "X-B": 1.5, "X-C": { "hex": "0xFC" } }, "class": "c",
        "cue": ["PRE", "ONCE"], "duration_ms": 1, "end_ms": 2, "end_on_next": true, "id": "a",
        "planned_duration_ms": 1, "scte35_cmd": "0xFC", "scte35_in": "0xFC", "scte35_out": "0xFC",
        "start_ms": 1
    })
}

fn video() -> Value {
    json!({
        "frames_per_1000_s": 29_970, "hdr": "pq", "hdr_base": "pq",
        "height": 1080, "is_cover": false,
        "is_interlaced": false, "is_untimed": true, "is_vfr": false,
        "pixel_format": "yuv420p10le", "rotation": 90,
        "width": 1920, "shown_width": 1440, "complexity_percent": 80, "keyframe_ms_max": 2000
    })
}

fn audio() -> Value {
    json!({ "channels": 6, "layout": "5.1", "samples_per_s": 48_000 })
}

fn stream() -> Value {
    json!({
        "audio": audio(), "bits_per_s": 1, "codec": "hevc", "is_default": true, "kind": "video",
        "language": "deu", "title": "t", "video": video()
    })
}

fn chapter() -> Value {
    json!({ "end_ms": 2, "start_ms": 1, "title": "t" })
}

fn media() -> Value {
    json!({
        "bits_per_s": 1, "chapters": [chapter()], "container": "mov,mp4", "duration_ms": 1,
        "streams": [stream()]
    })
}

fn plan() -> [(&'static str, Value); 6] {
    let pictures = json!({
        "complexity_percent": 80, "deinterlace": false, "rotate": 90, "stream": 0, "tone_map": true
    });
    let rung = json!({
        "bits_per_s": 1, "codec": "hevc", "hdr": "pq", "height": 720, "is_copy": false,
        "rendition": "720p-hdr", "width": 1280
    });
    let sound = json!({
        "bits_per_s": 1, "channels": 2, "is_copy": true, "language": "deu", "rendition": "audio",
        "stream": 1, "title": "t"
    });
    let subtitle = json!({ "language": "deu", "rendition": "text-1", "stream": 2, "title": "t" });
    let out = json!({ "reason": "r", "stream": 3 });
    let whole = json!({
        "left_out": [out], "pictures": pictures, "rungs": [rung], "sounds": [sound],
        "subtitles": [subtitle]
    });
    [
        ("AssetPlan", whole),
        ("PicturePlan", pictures),
        ("RungPlan", rung),
        ("SoundPlan", sound),
        ("SubtitlePlan", subtitle),
        ("LeftOut", out),
    ]
}

fn asset() -> Value {
    json!({
        "account": "anna",
        "asset": ID, "bytes": 1, "cover": "cover.jpg", "created_at": 2, "description": "",
        "deleted_at": 9, "duration_ms": 3, "file_name": "a.mp4", "is_playable": true,
        "keep_hdr": "av1", "kind": "upload",
        "left_s": 60, "media": media(), "priority": "bulk",
        "progress_percent": 50, "reason": "r", "retention": retention(), "show": ID,
        "started_at": 1, "state": "uploaded", "tags": ["a"], "title": "t", "trim": trim(),
        "visibility": "unlisted"
    })
}

/// What an asset took, and who has this job.
fn work(job: &Value) -> [Value; 2] {
    let statistics = json!({
        "asset": ID, "begun_at": 1, "cpu_ms": 2, "encoder": "e", "failures": 3, "jobs_dead": 4,
        "jobs_done": 5, "jobs_left": 6, "made_bytes": 7, "made_ms": 8, "ready_at": 9,
        "sessions": 2, "sessions_active": 1, "source_bytes": 10, "speed_percent": 11, "wall_ms": 12
    });
    let worker = json!({
        "cpu_ms": 1, "encoder": "e", "hands": 2, "host": "h", "is_worker": true, "jobs": [job],
        "jobs_done": 3, "jobs_failed": 4, "media_ms": 5, "node": "n", "other_encoder": "o",
        "other_jobs": 6, "seen_at": 7, "started_at": 8, "state": "draining", "wall_ms": 9,
        "worker": "n/1"
    });
    [statistics, worker]
}

fn policy() -> Value {
    json!({
        "bind": "network", "countries": { "allow": ["DE"] }, "devices_max": 2, "dvr_s_max": 0,
        "height_max": 480, "preview_s": 300, "watermark": "b"
    })
}

#[test]
fn what_callers_send_is_as_described_and_closed() {
    let new = json!({
        "broadcast": broadcast(), "starts_at": 1, "title": "t", "when_full": "refuse"
    });
    check::<NewShow>("NewShow", new, true);
    let change = json!({ "broadcast": broadcast(), "when_full": "displace" });
    check::<ChangeShow>("ChangeShow", change, true);
    check::<Broadcast>("Broadcast", broadcast(), true);
    check::<Policy>("Policy", policy(), true);
    check::<NewTicket>(
        "NewTicket",
        json!({ "format": "cat", "note": "n", "tier": "t", "valid_s": 60 }),
        true,
    );
    check::<RevokeTicket>("RevokeTicket", json!({ "ticket": ID }), true);
    let swap = json!({ "format": "jwt", "session": ID, "ticket": "tk_" });
    check::<NewPlayback>("NewPlayback", swap, true);
    check::<DateRange>("DateRange", date_range(), true);
    let id3 = json!({ "base64": "SUQz", "description": "d", "text": "t" });
    check::<NewId3>("NewId3", id3, true);
    check::<CaptionTrack>("CaptionTrack", caption_track(), true);
    check::<SoundName>("SoundName", sound_name(), true);
    check::<ClosedCaptionName>("ClosedCaptionName", closed_caption_name(), true);
    let cue = json!({
        "end_in_ms": 4, "end_ms": 2, "start_in_ms": 3, "start_ms": 1, "text": "t"
    });
    check::<NewCue>("NewCue", cue.clone(), true);
    check::<NewCaptions>("NewCaptions", json!({ "cues": [cue] }), true);
    check::<EndPlayback>("EndPlayback", json!({ "session": ID, "ticket": "tk_" }), true);
    let change = json!({
        "description": "d", "priority": "urgent", "tags": ["a"], "title": "t",
        "visibility": "public"
    });
    check::<ChangeAsset>("ChangeAsset", change, true);
    check::<Trim>("Trim", trim(), true);
    check::<Retention>("Retention", retention(), true);
    let mark = json!({ "start_ms": 1, "title": "t" });
    check::<ChapterMark>("ChapterMark", mark.clone(), true);
    check::<SetChapters>("SetChapters", json!({ "chapters": [mark] }), true);
    let list = json!({ "chapters": [mark], "is_set": true });
    check::<ChapterList>("ChapterList", list, false);
    let import = json!({
        "asset": ID, "keep_hdr": "hevc", "priority": "normal", "title": "t",
        "url": "https://h/a.mp4"
    });
    check::<Import>("Import", import, true);
    check::<NewAccount>("NewAccount", json!({ "account": "anna", "quota_bytes": 1 }), true);
    check::<NewQuota>("NewQuota", json!({ "quota_bytes": 1 }), true);
}

#[test]
fn what_is_answered_is_as_described() {
    let publish = json!({ "rtmp": "rtmp://h/live/sk_", "rtmps": "rtmps://h/live/sk_",
                          "srt": "srt://h", "whip": "http://h/whip" });
    let created = json!({ "publish": publish, "show": ID, "stream_key": "sk_" });
    check::<CreatedShow>("CreatedShow", created, false);
    check::<ShowState>("ShowState", show(), false);
    let on_air = json!({ "is_recorded": true, "recording_bytes": 1, "show": ID });
    check::<OnAir>("OnAir", on_air.clone(), false);
    let status = json!({
        "alarm": "disk_low", "disk_bytes": 9, "disk_free_bytes": 1, "disk_low_bytes": 2,
        "on_air": [on_air], "recordings_bytes": 3, "recordings_bytes_max": 4
    });
    check::<HouseStatus>("HouseStatus", status, false);
    check::<ShowList>("ShowList", json!({ "next": "1", "shows": [show()] }), false);
    let issued = json!({
        "expires_at": 1, "id": ID, "mpd_url": "http://h/", "playlist_url": "http://h/",
        "ticket": "tk_", "tier": "all", "watch_url": "http://h/"
    });
    check::<IssuedTicket>("IssuedTicket", issued, false);
    check::<TicketState>("TicketState", ticket(), false);
    check::<TicketList>("TicketList", json!({ "next": "1", "tickets": [ticket()] }), false);
    let playback = json!({
        "expires_at": 1, "mpd_url": "/", "playlist_url": "/", "policy": policy(), "session": ID,
        "tier": "basic", "token": "t"
    });
    check::<Playback>("Playback", playback, false);
    check::<SessionState>("SessionState", session(), false);
    check::<SessionList>("SessionList", json!({ "next": "1", "sessions": [session()] }), false);
    check::<CaptionsTaken>("CaptionsTaken", json!({ "cues": 1 }), false);
    check::<Id3Taken>("Id3Taken", json!({ "bytes": 20 }), false);
    let ranges = json!({ "date_ranges": [date_range()] });
    check::<DateRangeList<DateRange>>("DateRangeList", ranges, false);
    let tier = json!({ "name": "basic", "policy": policy() });
    check::<Tier>("Tier", tier.clone(), false);
    check::<TierList>("TierList", json!({ "tiers": [tier] }), false);
    check::<VideoInfo>("VideoInfo", video(), false);
    check::<AudioInfo>("AudioInfo", audio(), false);
    check::<StreamInfo>("StreamInfo", stream(), false);
    check::<Chapter>("Chapter", chapter(), false);
    check::<MediaInfo>("MediaInfo", media(), false);
    let subtitles = json!({
        "created_at": 1, "cues": 2, "default": true, "forced": false, "language": "en",
        "name": "English", "reason": "r", "state": "failed"
    });
    check::<Subtitles>("Subtitles", subtitles.clone(), false);
    check::<SubtitlesList>("SubtitlesList", json!({ "subtitles": [subtitles] }), false);
    let [whole, pictures, rung, sound, subtitle, out] = plan();
    check::<AssetPlan>(whole.0, whole.1, false);
    check::<PicturePlan>(pictures.0, pictures.1, false);
    check::<RungPlan>(rung.0, rung.1, false);
    check::<SoundPlan>(sound.0, sound.1, false);
    check::<SubtitlePlan>(subtitle.0, subtitle.1, false);
    check::<LeftOut>(out.0, out.1, false);
    check::<Asset>("Asset", asset(), false);
    check::<AssetList>("AssetList", json!({ "assets": [asset()], "next": "1" }), false);
    let job = json!({
        "again_at": 1, "asset": ID, "attempts": 1, "done_ms": 1, "failed_at": 1, "from_ms": 1,
        "kind": "chunk", "length_ms": 2, "node": "n", "number": 3, "reason": "r", "state": "dead"
    });
    check::<AssetJob>("AssetJob", job.clone(), false);
    check::<AssetJobList>("AssetJobList", json!({ "jobs": [job], "next": "1" }), false);
    let [statistics, worker] = work(&job);
    check::<AssetStatistics>("AssetStatistics", statistics, false);
    check::<Worker>("Worker", worker.clone(), false);
    check::<WorkerList>("WorkerList", json!({ "next": "1", "workers": [worker] }), false);
    check::<Dropped>("Dropped", json!({ "asset": ID, "bytes": 1 }), false);
    let problem =
        json!({ "code": "c", "detail": "d", "request_id": "r", "status": 404, "title": "t" });
    check::<Problem>("Problem", problem, false);
}

#[test]
fn what_is_told_of_accounts_is_as_described() {
    let account = json!({
        "account": "anna", "created_at": 1, "quota_bytes": 2, "used_bytes": 1
    });
    check::<Account>("Account", account.clone(), false);
    check::<AccountList>("AccountList", json!({ "accounts": [account], "next": "1" }), false);
    check::<CreatedAccount>("CreatedAccount", json!({ "account": "a", "token": "ac_" }), false);
    let usage = json!({ "account": "anna", "quota_bytes": 2, "used_bytes": 1 });
    check::<Usage>("Usage", usage, false);
}

#[test]
fn every_state_is_described() {
    let states = [State::Scheduled, State::Live, State::Interrupted, State::Ended];
    let names: Vec<_> = states.iter().map(|state| serde_json::to_value(state).unwrap()).collect();
    assert_eq!(document()["components"]["schemas"]["State"]["enum"], json!(names));
    let alarms =
        [Alarm::Ok, Alarm::DiskLow, Alarm::RecordingStopped, Alarm::DiskFull, Alarm::DiskBroken];
    let names: Vec<_> = alarms.iter().map(|alarm| serde_json::to_value(alarm).unwrap()).collect();
    assert_eq!(document()["components"]["schemas"]["Alarm"]["enum"], json!(names));
    let names: Vec<_> = AssetState::ALL.iter().map(|state| state.name()).collect();
    assert_eq!(document()["components"]["schemas"]["AssetState"]["enum"], json!(names));
    let names: Vec<_> = KeepHdr::ALL.iter().map(|one| one.name()).collect();
    assert_eq!(document()["components"]["schemas"]["KeepHdr"]["enum"], json!(names));
    let names: Vec<_> = Priority::ALL.iter().map(|one| one.name()).collect();
    assert_eq!(document()["components"]["schemas"]["Priority"]["enum"], json!(names));
    let names: Vec<_> = WorkerState::ALL.iter().map(|one| one.name()).collect();
    assert_eq!(document()["components"]["schemas"]["WorkerState"]["enum"], json!(names));
    let all = [Visibility::Private, Visibility::Unlisted, Visibility::Public];
    let names: Vec<_> = all.iter().map(|one| one.name()).collect();
    assert_eq!(document()["components"]["schemas"]["Visibility"]["enum"], json!(names));
    let rules = [WhenFull::Displace, WhenFull::Refuse];
    let names: Vec<_> = rules.iter().map(|rule| serde_json::to_value(rule).unwrap()).collect();
    assert_eq!(document()["components"]["schemas"]["WhenFull"]["enum"], json!(names));
}

#[test]
fn the_form_of_an_id_is_described() {
    // The alphabet of the pattern, spelled out, is the one ids are written in.
    let pattern = &document()["components"]["schemas"]["Id"]["pattern"];
    assert_eq!(pattern, "^[0-9a-hjkmnp-tv-z]{16}$");
    let described = |c: char| c.is_ascii_digit() || (c.is_ascii_lowercase() && !"ilou".contains(c));
    for c in ('\0'..='\u{7f}').chain(['é']) {
        let text: String = std::iter::repeat_n(c, 16).collect();
        assert_eq!(text.parse::<ShowId>().is_ok(), described(c), "{c:?}");
    }
}
