//! Header names that origin and edge agree on, in lower case.

/// The secret by which an origin knows its edges.
pub const EDGE_KEY: &str = "matinee-edge-key";
/// Names one request through edge and origin.
pub const REQUEST_ID: &str = "x-request-id";
/// Cache policy for our own edges and Fastly; it never reaches a viewer.
pub const SURROGATE_CONTROL: &str = "surrogate-control";
/// What a purge names, separated by spaces: the show's id, and `<show>/<rendition>`.
pub const SURROGATE_KEY: &str = "surrogate-key";
/// How the edge's cache answered: `hit`, `stale`, `miss`, `revalidated`, `collapsed` or `pass`.
pub const CACHE: &str = "x-cache";
/// The viewer's address, as our own host tells the component. It never comes from outside.
pub const CLIENT_IP: &str = "matinee-client-ip";
/// The viewer's country (ISO 3166-1 alpha-2), as our own host tells the component.
pub const CLIENT_COUNTRY: &str = "matinee-client-country";
/// The number of the viewer's network, as our own host tells the component.
pub const CLIENT_ASN: &str = "matinee-client-asn";
/// The protocol that the viewer's TLS agreed on, as our own host tells the component.
pub const CLIENT_ALPN: &str = "matinee-client-alpn";
/// `Cache-Control` of media, which never changes: its key carries the publication's epoch.
pub const CACHE_MEDIA: &str = "public, max-age=31536000, immutable";
/// Content type of playlists (RFC 8216, 4).
pub const TYPE_PLAYLIST: &str = "application/vnd.apple.mpegurl";
/// Content type of MPDs (ISO/IEC 23009-1, C.2).
pub const TYPE_MPD: &str = "application/dash+xml";
/// Content type of CMAF objects.
pub const TYPE_MP4: &str = "video/mp4";
/// Content type of pictures (RFC 2046, 4.2).
pub const TYPE_JPEG: &str = "image/jpeg";
/// Content type of WebVTT.
pub const TYPE_VTT: &str = "text/vtt; charset=utf-8";
/// Content type of errors (RFC 9457).
pub const TYPE_PROBLEM: &str = "application/problem+json";
