//! Which recordings go, and which stop growing: the rule of retention.
//!
//! In: what each show takes, what it may, and how much of the disk is free. Out: a [`Verdict`]. Does not know files or
//! the clock.
//!
//! The oldest recordings go first; one that is on the air never does. Where only such are left and the house has used
//! what it may, they stop growing: live goes on.

/// What recordings may take, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// All together; without a limit nothing is deleted for it.
    pub house_bytes_max: Option<u64>,
    /// Below this much free space there is an alarm.
    pub disk_low_bytes: u64,
    /// Whether the oldest recordings go when the disk has less than that.
    pub delete_when_low: bool,
}

/// What a show takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The show.
    pub show: String,
    /// Its objects on disk, in bytes.
    pub bytes: u64,
    /// When it was last written to, in seconds since the epoch.
    pub written_at_s: u64,
    /// Whether it may go.
    pub standing: Standing,
    /// What its recording may take, in bytes.
    pub bytes_max: Option<u64>,
}

/// Whether a recording may be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its show is on the air.
    OnAir,
    /// Its show is over.
    Over,
    /// Its show is over, and somebody has said that it stays.
    Kept,
    /// Nobody here knows its show.
    Unknown,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// These recordings go, the oldest first.
    pub delete: Vec<String>,
    /// These shows are not recorded any more; all others are.
    pub stop: Vec<String>,
    /// The disk has little space left, also when those are gone.
    pub is_disk_low: bool,
}

/// Judges all recordings, with so much of the disk free.
#[must_use]
pub fn judge(limits: &Limits, recordings: &[Recording], disk_free_bytes: u64) -> Verdict {
    let mut oldest: Vec<&Recording> =
        recordings.iter().filter(|one| one.standing == Standing::Over).collect();
    oldest.sort_by_key(|one| (one.written_at_s, &one.show));
    let mut verdict = Verdict::default();
    let mut taken: u64 = recordings.iter().map(|one| one.bytes).sum();
    let mut free = disk_free_bytes;
    let over = |taken: u64| limits.house_bytes_max.is_some_and(|max| taken > max);
    let low = |free: u64| free < limits.disk_low_bytes;
    for one in oldest {
        let is_too_much = over(taken) || (limits.delete_when_low && low(free));
        if !is_too_much {
            break;
        }
        taken = taken.saturating_sub(one.bytes);
        free = free.saturating_add(one.bytes);
        verdict.delete.push(one.show.clone());
    }
    let is_full = |one: &&Recording| {
        let own = one.bytes_max.is_some_and(|max| one.bytes >= max);
        one.standing == Standing::OnAir && (own || over(taken))
    };
    verdict.stop = recordings.iter().filter(is_full).map(|one| one.show.clone()).collect();
    verdict.is_disk_low = low(free);
    verdict
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recording(show: u64, bytes: u64, standing: Standing) -> Recording {
        let show = format!("{show:016x}");
        Recording { show, bytes, written_at_s: 0, standing, bytes_max: None }
    }

    fn names(numbers: &[u64]) -> Vec<String> {
        numbers.iter().map(|number| format!("{number:016x}")).collect()
    }

    fn limits(house: u64) -> Limits {
        Limits { house_bytes_max: Some(house), disk_low_bytes: 100, delete_when_low: false }
    }

    #[test]
    fn the_oldest_go_until_the_rest_fits() {
        let mut all: Vec<_> = (0..5).map(|show| recording(show, 10, Standing::Over)).collect();
        for (index, one) in all.iter_mut().enumerate() {
            one.written_at_s = 100 - index as u64;
        }
        assert_eq!(judge(&limits(50), &all, 1000), Verdict::default());
        assert_eq!(judge(&limits(49), &all, 1000).delete, names(&[4]));
        assert_eq!(judge(&limits(25), &all, 1000).delete, names(&[4, 3, 2]));
    }

    #[test]
    fn what_is_on_the_air_or_unknown_stays() {
        let mut all = vec![
            recording(0, 50, Standing::OnAir),
            recording(1, 50, Standing::Unknown),
            recording(2, 50, Standing::Over),
        ];
        let verdict = judge(&limits(60), &all, 1000);
        assert_eq!((verdict.delete, verdict.stop), (names(&[2]), names(&[0])));
        all[0].bytes_max = Some(50);
        let verdict = judge(&Limits::default(), &all, 1000);
        assert_eq!((verdict.delete, verdict.stop), (names(&[]), names(&[0])));
    }

    #[test]
    fn what_is_to_be_kept_stays_however_old_it_is() {
        let kept = recording(0, 50, Standing::Kept);
        let all = [kept, recording(1, 50, Standing::Over), recording(2, 50, Standing::OnAir)];
        let verdict = judge(&limits(40), &all, 1000);
        // What cannot be deleted counts all the same: what is on the air stops.
        assert_eq!((verdict.delete, verdict.stop), (names(&[1]), names(&[2])));
    }

    #[test]
    fn a_disk_with_little_space_is_an_alarm_and_makes_room_only_where_that_is_the_rule() {
        let all = [recording(0, 70, Standing::Over), recording(1, 70, Standing::OnAir)];
        let keep = Limits { disk_low_bytes: 100, ..Limits::default() };
        let verdict = judge(&keep, &all, 40);
        assert_eq!((verdict.delete.len(), verdict.is_disk_low), (0, true));
        let delete = Limits { delete_when_low: true, ..keep };
        let verdict = judge(&delete, &all, 40);
        assert_eq!((verdict.delete, verdict.is_disk_low), (names(&[0]), false));
        assert!(judge(&delete, &all, 20).is_disk_low);
        assert_eq!(judge(&delete, &all, 100), Verdict::default());
    }

    proptest! {
        #[test]
        fn no_more_goes_than_must_and_never_what_is_on_the_air(
            shows in proptest::collection::vec((0_u64..100, 0_u64..50, 0_u8..3), 0..20),
            house in 0_u64..800, free in 0_u64..300, delete_when_low in any::<bool>(),
        ) {
            let all: Vec<_> = shows.iter().enumerate().map(|(index, (bytes, at, standing))| {
                let all = [Standing::OnAir, Standing::Over, Standing::Unknown];
                let standing = all[usize::from(*standing)];
                Recording { written_at_s: *at, ..recording(index as u64, *bytes, standing) }
            }).collect();
            let limits = Limits { delete_when_low, ..limits(house) };
            let verdict = judge(&limits, &all, free);
            let gone = |one: &&Recording| verdict.delete.contains(&one.show);
            prop_assert!(all.iter().filter(gone).all(|one| one.standing == Standing::Over));
            let freed: u64 = all.iter().filter(gone).map(|one| one.bytes).sum();
            let left = all.iter().map(|one| one.bytes).sum::<u64>() - freed;
            let may_go = all.iter().any(|one| one.standing == Standing::Over && !gone(&one));
            prop_assert!(left <= house || !may_go);
            prop_assert_eq!(verdict.is_disk_low, free + freed < 100);
            if let Some(last) = verdict.delete.last() {
                let last = all.iter().find(|one| one.show == *last).unwrap().bytes;
                let was_over = left + last > house;
                let was_low = delete_when_low && free + freed - last < 100;
                prop_assert!(was_over || was_low);
            }
        }
    }
}
