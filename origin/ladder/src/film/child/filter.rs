//! What is done to decoded pictures before they are scaled: two fields become one picture, phones' pictures are turned,
//! what is too bright for a screen is brought into its range.
//!
//! In: pictures, in the order they are shown. Out: as many; where some rungs show them as bright as they are, as many
//! again. Does not know rungs.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::Rescale as _;
use ffmpeg_next::color::{self, TransferCharacteristic as Transfer};
use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;

use super::raw;
use crate::encode::ticks_base;
use crate::film::Pictures;
use crate::machine::film::Fault;

/// Only pictures that are two fields are touched.
const WHOLE: &str = "bwdif=mode=send_frame:parity=auto:deint=interlaced";
/// Linear light in BT.709, where 1 is the white of a page, from which hable's curve brings what is brighter below 1.
const STANDARD_RANGE: &str = "npl=100,format=gbrpf32le,zscale=p=bt709,\
    tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p";
/// In the graph.
const SOURCE: &str = "in";

/// Which of the pictures that come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// Those for all screens.
    Standard,
    /// The same before they were brought into the standard range.
    Kept,
}

impl Range {
    /// In the graph.
    const fn sink(self) -> &'static str {
        match self {
            Self::Standard => "out",
            Self::Kept => "kept",
        }
    }
}

/// A graph of filters, for pictures of one form.
pub(super) struct Filter {
    graph: Graph,
    of: Form,
}

#[derive(Clone, Copy, PartialEq)]
struct Form {
    format: Pixel,
    size: (u32, u32),
    transfer: Transfer,
    range: color::Range,
}

/// Whether pictures need one.
pub(super) const fn is_needed(asked: &Pictures) -> bool {
    asked.deinterlace || asked.rotate != 0 || asked.tone_map
}

impl Filter {
    /// For pictures like this one. `keeps_range`: they come out as bright as they are, too.
    pub(super) fn new(
        picture: &Frame,
        asked: &Pictures,
        keeps_range: bool,
        threads: u8,
    ) -> Result<Self, Fault> {
        let of = Form::of(picture);
        let chain = chain(asked, of, keeps_range)?;
        let graph = build(of, &chain, keeps_range, threads)
            .map_err(|error| Fault::Lack(format!("it refuses the filters {chain}: {error}")))?;
        Ok(Self { graph, of })
    }

    /// Whether it is for pictures like this one.
    pub(super) fn fits(&self, picture: &Frame) -> bool {
        self.of == Form::of(picture)
    }

    /// Takes the next picture, and leaves nothing of it.
    pub(super) fn push(&mut self, picture: &Frame) -> Result<(), ffmpeg::Error> {
        let mut source = self.graph.get(SOURCE).ok_or(ffmpeg::Error::FilterNotFound)?;
        source.source().add(picture)
    }

    /// No more pictures come.
    pub(super) fn finish(&mut self) {
        if let Some(mut source) = self.graph.get(SOURCE) {
            // Refused only if it is at its end already.
            let _ = source.source().flush();
        }
    }

    /// The next picture that is done, of one range.
    pub(super) fn pull(&mut self, range: Range) -> Option<Frame> {
        let mut sink = self.graph.get(range.sink())?;
        let mut sink = sink.sink();
        let mut picture = Frame::empty();
        sink.frame(&mut picture).ok()?;
        let ticks = picture.pts().map(|pts| pts.rescale(sink.time_base(), ticks_base()));
        picture.set_pts(ticks);
        Some(picture)
    }
}

impl Form {
    fn of(picture: &Frame) -> Self {
        Self {
            format: picture.format(),
            size: (picture.width(), picture.height()),
            transfer: picture.color_transfer_characteristic(),
            range: picture.color_range(),
        }
    }
}

fn chain(asked: &Pictures, of: Form, keeps_range: bool) -> Result<String, Fault> {
    let mut filters = Vec::new();
    if asked.deinterlace {
        filters.push(WHOLE.to_owned());
    }
    match asked.rotate {
        0 => {}
        90 => filters.push("transpose=clock".to_owned()),
        180 => filters.push("hflip,vflip".to_owned()),
        270 => filters.push("transpose=cclock".to_owned()),
        other => return Err(Fault::Lack(format!("it cannot turn pictures by {other} degrees"))),
    }
    if keeps_range {
        filters.push("split".to_owned());
        let (before, after) = (filters.join(","), standard(asked, of)?);
        let (kept, out) = (Range::Kept.sink(), Range::Standard.sink());
        return Ok(format!("[{SOURCE}]{before}[{kept}][bright];[bright]{after}[{out}]"));
    }
    if asked.tone_map {
        filters.push(standard(asked, of)?);
    }
    Ok(filters.join(","))
}

/// What brings pictures into the standard range, if they are to be.
fn standard(asked: &Pictures, of: Form) -> Result<String, Fault> {
    if !asked.tone_map {
        return Ok("null".to_owned());
    }
    // Nothing else in FFmpeg undoes the curves of PQ and HLG on a processor: its own scaler and `colorspace` do not
    // know them. Debian has it in all versions.
    if filter::find("zscale").is_none() {
        return Err(Fault::Lack("the filter zscale (of zimg) is missing".to_owned()));
    }
    let curve = if of.transfer == Transfer::ARIB_STD_B67 { "arib-std-b67" } else { "smpte2084" };
    let range = if of.range == color::Range::JPEG { "full" } else { "limited" };
    // What the pictures do not say, or say otherwise to each version of the filter, is said here.
    let linear = format!("zscale=tin={curve}:pin=bt2020:min=bt2020nc:rin={range}:t=linear");
    Ok(format!("{linear}:{STANDARD_RANGE}"))
}

fn build(of: Form, chain: &str, keeps_range: bool, threads: u8) -> Result<Graph, ffmpeg::Error> {
    let found = |name| filter::find(name).ok_or(ffmpeg::Error::FilterNotFound);
    let form = of.format.descriptor().ok_or(ffmpeg::Error::InvalidData)?;
    let ((width, height), base) = (of.size, ticks_base());
    let source = format!(
        "video_size={width}x{height}:pix_fmt={}:time_base={}/{}:pixel_aspect=1/1",
        form.name(),
        base.numerator(),
        base.denominator()
    );
    let mut graph = Graph::new();
    raw::set_threads(&mut graph, threads);
    graph.add(&found("buffer")?, SOURCE, &source)?;
    let (out, kept) = (Range::Standard.sink(), Range::Kept.sink());
    graph.add(&found("buffersink")?, out, "")?;
    if keeps_range {
        graph.add(&found("buffersink")?, kept, "")?;
        graph.output(SOURCE, 0)?.input(out, 0)?.input(kept, 0)?.parse(chain)?;
    } else {
        graph.output(SOURCE, 0)?.input(out, 0)?.parse(chain)?;
    }
    graph.validate()?;
    Ok(graph)
}
