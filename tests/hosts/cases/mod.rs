//! The cases, each with a word for every host.
//!
//! In: a stage. Out: a panic that says what was wrong, or nothing. Does not know how a host works.

use std::pin::Pin;

use crate::host::COUNT;
use crate::stage::Stage;

mod tokens;

mod transports;

mod sessions;

mod policy;

mod deny;

mod playlists;

mod manifests;

mod paths;

mod methods;

mod errors;

mod load;

mod bucket;

mod operations;

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

const REMEMBERING: [On; COUNT] = [
    On::Run,
    On::Run,
    On::Not("each instance remembers for itself, and they end when they are idle"),
    On::Not("each sandbox remembers for itself, and Viceroy chooses the sandbox"),
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

const COUNTRIES: [On; COUNT] = [
    On::Run,
    On::Run,
    On::Not("neither Spin nor `wasmtime serve` knows where an address is"),
    On::Run,
];

const NO_COUNTRIES: [On; COUNT] = [
    On::Not("the test's shell is told the country"),
    On::Not("its front says the country"),
    On::Run,
    On::Not("Fastly knows the country"),
];

const PURGING: [On; COUNT] = [
    On::Not("the test's shell has no cache"),
    On::Run,
    On::Not("Spin and `wasmtime serve` have no cache"),
    On::Run,
];

const NOT_PURGING: [On; COUNT] =
    [On::Run, On::Not("it has a cache"), On::Run, On::Not("Fastly has a cache")];

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
        transports::a_token_comes_in_any_way_a_player_can_send_it,
        transports::two_tokens_that_differ_are_refused,
        transports::an_answer_to_a_cookie_is_open_to_the_site_that_asked,
        transports::a_token_is_renewed_by_cookie_header_or_redirect,
        transports::a_claim_that_fails_may_say_what_to_answer,
        transports::a_claim_about_the_request_is_held_against_it,
        transports::a_token_for_one_use_is_used_once,
        policy::a_tier_ends_at_its_highest_rung,
        policy::a_tier_reaches_back_to_its_depth_and_no_further,
        policy::a_session_stays_in_its_network,
        policy::a_preview_ends_at_the_wall,
        policy::each_watermark_gets_its_own_form_of_the_media,
        policy::a_displaced_viewer_is_told_which_device_took_over,
        operations::an_edge_without_a_list_lets_nobody_new_in_and_cuts_nobody,
        operations::a_purge_needs_the_edge_key,
        operations::closed_segments_may_come_from_another_host,
        sessions::a_garbled_session_is_refused,
        sessions::a_forged_session_is_refused,
        sessions::an_expired_session_is_refused,
        sessions::a_session_opens_its_own_show_only,
        playlists::a_media_playlist_passes_byte_for_byte,
        playlists::nothing_of_the_viewer_reaches_the_origin,
        playlists::directives_are_kept_in_one_spelling,
        playlists::malformed_directives_are_refused,
        playlists::gzip_passes_through,
        playlists::what_is_edited_is_compressed_for_whoever_takes_it,
        manifests::an_mpd_moves_below_the_session_and_what_follows_is_everybodys,
        manifests::a_tiers_mpd_ends_at_its_highest_rung,
        manifests::a_ticket_that_reaches_back_only_so_far_gets_so_much,
        manifests::a_denied_viewer_gets_no_more_mpds,
        manifests::the_time_is_told_to_anybody,
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
        deny::a_denied_session_stops_and_no_other,
        bucket::closed_segments_come_from_the_bucket_as_the_origin_gives_them,
        bucket::a_range_of_a_segment_comes_from_the_bucket,
        bucket::what_the_bucket_does_not_give_comes_from_the_origin,
        bucket::a_bucket_that_is_not_there_costs_nobody_a_segment,
        bucket::parts_playlists_and_marked_forms_never_go_to_the_bucket,
        bucket::the_bucket_is_for_those_who_may_watch;
    REMEMBERING:
        bucket::a_bucket_that_fails_is_left_alone,
        bucket::what_cannot_be_in_the_bucket_yet_is_not_asked_for;
    COUNTRIES:
        policy::a_ticket_is_for_its_countries;
    NO_COUNTRIES:
        policy::a_host_that_knows_no_country_lets_nobody_in_by_country;
    PURGING:
        operations::a_purge_makes_the_cache_forget;
    NOT_PURGING:
        operations::a_host_without_a_cache_says_that_it_cannot_purge;
    SHARED_LIST:
        deny::the_last_list_holds_while_there_is_no_new_one;
    COLLAPSING:
        load::two_hundred_viewers_of_one_blocked_playlist_are_one_request,
        manifests::viewers_who_wait_for_one_mpd_are_one_request;
    OUR_CACHE:
        load::what_is_fresh_is_not_asked_again_and_tells_its_age,
        load::what_is_said_to_edges_goes_before_what_is_said_to_all,
        load::heads_ranges_and_conditions_are_answered_from_the_store,
        load::a_failure_is_not_kept;
};
