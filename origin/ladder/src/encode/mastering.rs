//! On what screen a film was mastered and how bright it gets, where its file says so: metadata of SMPTE ST 2086 and of
//! CTA-861.3, which change nothing in the pictures.
//!
//! In: a picture as FFmpeg decoded it. Out: x265's settings that pass both on. Does not know encoders.

use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::frame::side_data::Type;

/// Steps of chromaticity in 1 (ITU-T H.265, D.3.28).
const CHROMATICITY: i64 = 50_000;
/// Steps of luminance in 1 cd/m².
const LUMINANCE: i64 = 10_000;
/// Numbers of `AVMasteringDisplayMetadata`: four chromaticities, of two ratios each, and two luminances; then whether
/// there are any of the one and of the other (libavutil's `mastering_display_metadata.h`).
const NUMBERS: usize = 22;

/// What x265 is to write of a picture, each behind a colon.
pub(super) fn settings(picture: &Frame) -> String {
    let bytes = |kind| picture.side_data(kind).map(|found| numbers(found.data()));
    let display = bytes(Type::MasteringDisplayMetadata).and_then(|numbers| display(&numbers));
    let light = bytes(Type::ContentLightLevel).and_then(|numbers| light(&numbers));
    [display, light].into_iter().flatten().map(|setting| format!(":{setting}")).collect()
}

fn numbers(bytes: &[u8]) -> Vec<i32> {
    bytes.as_chunks().0.iter().map(|four| i32::from_ne_bytes(*four)).collect()
}

/// Both the colours of its primaries and its luminances, or nothing: x265 takes them together.
fn display(numbers: &[i32]) -> Option<String> {
    let numbers = numbers.get(..NUMBERS)?;
    let (ratios, has) = numbers.split_at(NUMBERS - 2);
    if has.contains(&0) {
        return None;
    }
    let at = |at: usize, steps: i64| {
        let (over, under) = (i64::from(*ratios.get(at * 2)?), i64::from(*ratios.get(at * 2 + 1)?));
        let scaled = (over * steps + under / 2).checked_div(under)?;
        u32::try_from(scaled).ok()
    };
    let point = |first: usize| {
        Some(format!("({},{})", at(first, CHROMATICITY)?, at(first + 1, CHROMATICITY)?))
    };
    let (red, green, blue, white) = (point(0)?, point(2)?, point(4)?, point(6)?);
    let (least, most) = (at(8, LUMINANCE)?, at(9, LUMINANCE)?);
    Some(format!("master-display=G{green}B{blue}R{red}WP{white}L({most},{least})"))
}

/// The brightest pixel, and the brightest picture's mean, in cd/m².
fn light(numbers: &[i32]) -> Option<String> {
    let [most, mean] = numbers.get(..2)? else { return None };
    let fits = |one: &i32| u16::try_from(*one).ok();
    Some(format!("max-cll={},{}", fits(most)?, fits(mean)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P3-D65 from 0.0001 to 1,000 cd/m², with other denominators than x265 has.
    const DISPLAY: [i32; NUMBERS] = [
        680, 1000, 320, 1000, 265, 1000, 690, 1000, 150, 1000, 60, 1000, 3127, 10_000, 3290,
        10_000, 1, 10_000, 1000, 1, 1, 1,
    ];

    #[test]
    fn what_a_file_says_of_its_screen_is_passed_on_in_the_units_of_the_standard() {
        let said = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)\
                    L(10000000,1)";
        assert_eq!(display(&DISPLAY).as_deref(), Some(said));
        assert_eq!(light(&[1000, 400]).as_deref(), Some("max-cll=1000,400"));
    }

    #[test]
    fn what_is_not_whole_is_left_out() {
        let mut no_luminance = DISPLAY;
        no_luminance[NUMBERS - 1] = 0;
        let mut by_nothing = DISPLAY;
        by_nothing[1] = 0;
        for broken in [&no_luminance[..], &by_nothing, &DISPLAY[1..], &[]] {
            assert_eq!(display(broken), None);
        }
        assert_eq!((light(&[70_000, 1]), light(&[1])), (None, None));
    }
}
