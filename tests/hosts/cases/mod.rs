//! The cases, each with a word for every host.
//!
//! In: a stage. Out: a panic that says what was wrong, or nothing. Does not know how a host works.

use std::pin::Pin;

use crate::host::COUNT;
use crate::stage::Stage;

mod tokens;

mod sessions;

mod deny;

mod playlists;

mod paths;

mod methods;

mod errors;

mod load;

/// A host's word about a case.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On {
    /// It is played.
    Run,
    /// It is not, and why.
    Not(&'static str),
}

/// A case: its body, and a word for every host, in the order of [`crate::host::Host`].
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) on: [On; COUNT],
    pub(crate) run: fn(Stage) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

const EVERYWHERE: [On; COUNT] = [On::Run, On::Run, On::Run, On::Run];

const SHARED_LIST: [On; COUNT] = [
    On::Run,
    On::Run,
    On::Run,
    On::Not("each sandbox keeps a list of its own, and Viceroy chooses the sandbox"),
];

const COLLAPSING: [On; COUNT] = [
    On::Not("the test's shell has no cache"),
    On::Run,
    On::Not("Spin and `wasmtime serve` have no cache and do not collapse"),
    On::Run,
];

const OUR_CACHE: [On; COUNT] = [
    On::Not("the test's shell has no cache"),
    On::Run,
    On::Not("Spin and `wasmtime serve` have no cache"),
    On::Not("Viceroy's own cache takes no part in these answers"),
];

macro_rules! cases {
    ($($on:ident: $($module:ident::$name:ident),+;)+) => {
        &[$($(Case {
            name: stringify!($name),
            on: $on,
            run: |stage| Box::pin($module::$name(stage)),
        },)+)+]
    };
}

/// All of them.
pub(crate) const ALL: &[Case] = cases! {
    EVERYWHERE:
        tokens::a_good_token_of_each_algorithm_enters,
        tokens::the_multivariant_playlist_moves_below_the_session,
        tokens::no_token_and_an_empty_one_are_missing,
        tokens::a_ten_megabyte_token_is_refused_unread,
        tokens::an_expired_token_is_refused,
        tokens::a_token_not_yet_valid_is_refused,
        tokens::a_forged_token_is_refused,
        tokens::an_unsigned_token_is_refused,
        tokens::a_public_key_is_no_secret,
        tokens::an_unknown_key_is_refused,
        tokens::a_token_for_another_show_is_refused,
        tokens::a_token_for_another_purpose_is_refused,
        sessions::a_garbled_session_is_refused,
        sessions::a_forged_session_is_refused,
        sessions::an_expired_session_is_refused,
        sessions::a_session_opens_its_own_show_only,
        playlists::a_media_playlist_passes_byte_for_byte,
        playlists::nothing_of_the_viewer_reaches_the_origin,
        playlists::directives_are_kept_in_one_spelling,
        playlists::malformed_directives_are_refused,
        playlists::gzip_passes_through,
        paths::no_way_round_the_key_scheme_reaches_the_origin,
        methods::head_has_the_headers_and_no_body,
        methods::a_range_is_answered_in_part,
        methods::a_known_segment_is_not_sent_again,
        methods::a_preflight_is_answered_at_the_edge,
        methods::another_method_is_refused_and_told_which,
        methods::a_ticket_is_swapped_through_the_edge,
        methods::a_body_that_is_too_large_or_no_json_is_refused,
        methods::pages_pass_without_the_viewers_headers,
        errors::every_error_names_its_request,
        errors::the_request_id_goes_to_the_origin_and_back,
        errors::scripts_of_any_site_may_read_every_answer,
        errors::the_origins_own_errors_pass,
        errors::an_origin_that_does_not_know_the_edge_is_a_bad_gateway,
        errors::an_origin_that_is_down_is_a_bad_gateway,
        errors::what_is_between_edge_and_origin_stays_there,
        deny::a_denied_ticket_stops_within_two_seconds,
        deny::a_denied_session_stops_and_no_other;
    SHARED_LIST:
        deny::the_last_list_holds_while_there_is_no_new_one;
    COLLAPSING:
        load::two_hundred_viewers_of_one_blocked_playlist_are_one_request;
    OUR_CACHE:
        load::what_is_fresh_is_not_asked_again_and_tells_its_age,
        load::what_is_said_to_edges_goes_before_what_is_said_to_all,
        load::heads_ranges_and_conditions_are_answered_from_the_store,
        load::a_failure_is_not_kept;
};
