//! Pictures for VAAPI's encoders, which take none but those in the memory of their device.
//!
//! In: pictures in YUV 4:2:0 of one size. Out: the same in surfaces of the device. Does not know how they are encoded.
#![expect(unsafe_code, reason = "ffmpeg-next has no devices: these are FFmpeg's own calls")]

use std::ptr::{self, NonNull};

use ffmpeg_next as ffmpeg;
use ffmpeg_next::encoder;
use ffmpeg_next::ffi;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::software::scaling;

/// What all of VAAPI's drivers take an upload in.
const UPLOADED: Pixel = Pixel::NV12;

/// The surfaces of one size, on the first device that can be opened.
pub(super) struct Surfaces {
    pool: Reference,
    converter: scaling::Context,
    image: Frame,
}

/// One reference to something that FFmpeg counts the references of.
struct Reference(NonNull<ffi::AVBufferRef>);

impl Surfaces {
    /// Opens the device: fails where there is none.
    pub(super) fn open((width, height): (u32, u32)) -> Result<Self, ffmpeg::Error> {
        let side = |side: u32| i32::try_from(side).map_err(|_| ffmpeg::Error::InvalidData);
        let (columns, lines) = (side(width)?, side(height)?);
        let device = Reference::device()?;
        // SAFETY: the device is alive; the new pool takes a reference of its own to it.
        let pool = Reference::new(unsafe { ffi::av_hwframe_ctx_alloc(device.0.as_ptr()) })?;
        // SAFETY: the data of a pool's reference is an AVHWFramesContext (libavutil/hwcontext.h), which nobody else
        // has yet, and whose four fields below are to be set before it is initialised.
        let done = unsafe {
            let context: *mut ffi::AVHWFramesContext = (*pool.0.as_ptr()).data.cast();
            (*context).format = Pixel::VAAPI.into();
            (*context).sw_format = UPLOADED.into();
            (*context).width = columns;
            (*context).height = lines;
            ffi::av_hwframe_ctx_init(pool.0.as_ptr())
        };
        succeeded(done)?;
        let (from, flags) = (Pixel::YUV420P, scaling::Flags::POINT);
        let converter = scaling::Context::get(from, width, height, UPLOADED, width, height, flags)?;
        Ok(Self { pool, converter, image: Frame::new(UPLOADED, width, height) })
    }

    /// Makes an encoder that is not open yet take its pictures from here.
    pub(super) fn feed(&self, video: &mut encoder::video::Video) -> Result<(), ffmpeg::Error> {
        video.set_format(Pixel::VAAPI);
        // SAFETY: the pool is alive, and gets one more reference to it.
        let pool = Reference::new(unsafe { ffi::av_buffer_ref(self.pool.0.as_ptr()) })?;
        // SAFETY: the context is alive and not open; it owns this reference from now on and gives it back at its end.
        unsafe { (*video.as_mut_ptr()).hw_frames_ctx = pool.into_raw() };
        Ok(())
    }

    /// The picture in a surface, with its time and kind.
    pub(super) fn upload(&mut self, picture: &Frame) -> Result<Frame, ffmpeg::Error> {
        self.converter.run(picture, &mut self.image)?;
        let mut surface = Frame::empty();
        // SAFETY: pool and frames are alive; the surface is empty, as it must be, and the image as large as it.
        let done = unsafe {
            let taken = ffi::av_hwframe_get_buffer(self.pool.0.as_ptr(), surface.as_mut_ptr(), 0);
            succeeded(taken)?;
            ffi::av_hwframe_transfer_data(surface.as_mut_ptr(), self.image.as_ptr(), 0)
        };
        succeeded(done)?;
        // SAFETY: both frames are alive; only what describes the picture is copied, not its data.
        let done = unsafe { ffi::av_frame_copy_props(surface.as_mut_ptr(), picture.as_ptr()) };
        succeeded(done).map(|()| surface)
    }
}

impl Reference {
    fn new(raw: *mut ffi::AVBufferRef) -> Result<Self, ffmpeg::Error> {
        let lacking = ffmpeg::Error::Other { errno: ffmpeg::error::ENOMEM };
        NonNull::new(raw).map(Self).ok_or(lacking)
    }

    /// The first render node that VAAPI has a driver for.
    fn device() -> Result<Self, ffmpeg::Error> {
        let mut device = ptr::null_mut();
        let kind = ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI;
        // SAFETY: no name and no options are allowed and mean the default; on failure the pointer stays null.
        let done = unsafe {
            ffi::av_hwdevice_ctx_create(&raw mut device, kind, ptr::null(), ptr::null_mut(), 0)
        };
        succeeded(done)?;
        Self::new(device)
    }

    /// Hands the reference over.
    fn into_raw(self) -> *mut ffi::AVBufferRef {
        let raw = self.0.as_ptr();
        std::mem::forget(self);
        raw
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: this is our own reference, and nobody uses it after its drop.
        unsafe { ffi::av_buffer_unref(&raw mut raw) };
    }
}

fn succeeded(answer: i32) -> Result<(), ffmpeg::Error> {
    if answer < 0 { Err(ffmpeg::Error::from(answer)) } else { Ok(()) }
}
