//! Where the channels of decoded sound stand.
//!
//! In: sound whose file says only how many channels it has, or puts them in an order of its own. Out: the same sound,
//! with the order that so many channels have as a rule. Does not know samples.
#![expect(
    unsafe_code,
    reason = "ffmpeg-next reads one of a frame's two layouts: this is the other"
)]

use ffmpeg_next::ChannelLayout;
use ffmpeg_next::ffi;
use ffmpeg_next::frame::Audio as Frame;

/// Gives every channel its place, where it has none that a resampler knows.
pub(super) fn place(frame: &mut Frame) -> ChannelLayout {
    // SAFETY: the frame is alive, and its layout a plain struct in it.
    let order = unsafe { (*frame.as_ptr()).ch_layout.order };
    let is_known = matches!(order, ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE);
    if !is_known || frame.channel_layout().is_empty() {
        // SAFETY: the same; what the layout held before is freed by the first call, as `av_channel_layout_default` does
        // not, and both leave it valid.
        let count = unsafe {
            let layout = &raw mut (*frame.as_mut_ptr()).ch_layout;
            let count = (*layout).nb_channels;
            ffi::av_channel_layout_uninit(layout);
            ffi::av_channel_layout_default(layout, count);
            count
        };
        frame.set_channel_layout(ChannelLayout::default(count));
    }
    frame.channel_layout()
}
