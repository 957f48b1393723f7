//! The config as it stands in the file: serde and spans, nothing checked, no defaults.
//!
//! Every value is optional here, so that a missing one is reported together with all other mistakes, by the checks.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_spanned::Spanned;

/// A value that may be absent, with its place in the file.
pub(super) type Maybe<T> = Option<Spanned<T>>;

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Deserialize, Default)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name { $(pub(super) $field: $type),+ }
    };
}

section!(
    /// The file.
    RawConfig {
        service: Maybe<RawService>,
        database: Maybe<RawDatabase>,
        keys: Maybe<RawKeys>,
        mailbox: Maybe<RawMailbox>,
        mailer: Maybe<RawMailer>,
        directory: Maybe<RawDirectory>,
        authentication: Maybe<RawAuthentication>,
        authority: Option<Vec<Spanned<RawAuthorityRow>>>,
        spam: Maybe<RawSpam>,
        challenge: Maybe<RawChallenge>,
        schedule: Maybe<RawSchedule>,
        law: Maybe<RawLaw>,
        limits: Maybe<RawLimits>,
        retention: Maybe<RawRetention>,
        termination: Maybe<RawTermination>,
        stores: Maybe<RawStores>,
        log: Maybe<RawLog>,
        workers: Maybe<RawWorkers>,
        web: Maybe<RawWeb>,
    }
);
section!(RawService {
    name: Maybe<String>,
    address: Maybe<String>,
    sender_name: Maybe<String>,
    language: Maybe<String>,
    time_zone: Maybe<String>,
    team: Maybe<Vec<Spanned<String>>>,
    colleagues: Maybe<Vec<Spanned<String>>>,
    supervisory_authority: Maybe<String>,
    court_remedy: Maybe<TextOrTexts>,
});
/// A text, or a text for each language.
#[derive(Deserialize)]
#[serde(untagged, expecting = "invalid type: expected a text, or a table with a text for each language")]
pub(super) enum TextOrTexts {
    Same(String),
    Each(BTreeMap<String, String>),
}
section!(RawDatabase {
    url: Maybe<String>,
    url_file: Maybe<String>,
    url_credential: Maybe<String>,
    connections_max: Maybe<i64>,
});
section!(RawKeys { kek_file: Maybe<String>, watermark_file: Maybe<String> });
section!(RawMailbox {
    imap: Maybe<RawImap>,
    maildir: Maybe<RawMaildir>,
    keyword: Maybe<String>,
    move_to: Maybe<String>,
    sent_folder: Maybe<String>,
    known_as: Maybe<String>,
    poll_seconds: Maybe<i64>,
    silence_alarm_minutes: Maybe<i64>,
});
section!(RawImap {
    host: Maybe<String>,
    port: Maybe<i64>,
    security: Maybe<String>,
    ca_file: Maybe<String>,
    user: Maybe<String>,
    password: Maybe<String>,
    password_file: Maybe<String>,
    password_credential: Maybe<String>,
    folder: Maybe<String>,
    oauth: Maybe<RawOauth>,
    step_timeout_seconds: Maybe<i64>,
    batch_bytes_max: Maybe<i64>,
});
section!(RawOauth {
    endpoint: Maybe<String>,
    grant: Maybe<String>,
    client_id: Maybe<String>,
    client_secret: Maybe<String>,
    client_secret_file: Maybe<String>,
    client_secret_credential: Maybe<String>,
    refresh_token: Maybe<String>,
    refresh_token_file: Maybe<String>,
    refresh_token_credential: Maybe<String>,
    renewed_token_file: Maybe<String>,
    scope: Maybe<Vec<Spanned<String>>>,
});
section!(RawMaildir { path: Maybe<String> });
section!(RawMailer { smtp: Maybe<RawSmtp>, file: Maybe<RawFileMailer>, memory: Maybe<RawMemoryMailer> });
section!(RawSmtp {
    host: Maybe<String>,
    port: Maybe<i64>,
    security: Maybe<String>,
    ca_file: Maybe<String>,
    user: Maybe<String>,
    password: Maybe<String>,
    password_file: Maybe<String>,
    password_credential: Maybe<String>,
    oauth: Maybe<RawOauth>,
    send_timeout_seconds: Maybe<i64>,
});
section!(RawFileMailer { path: Maybe<String> });
/// `[mailer.memory]` has no keys.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMemoryMailer {}
section!(RawDirectory {
    sql: Maybe<RawSqlDirectory>,
    http: Maybe<RawHttpDirectory>,
    ldap: Maybe<RawLdapDirectory>,
    file: Maybe<RawFileDirectory>,
});
section!(RawHttpDirectory {
    url: Maybe<String>,
    secret: Maybe<String>,
    secret_file: Maybe<String>,
    secret_credential: Maybe<String>,
    allow: Maybe<Vec<Spanned<String>>>,
    timeout_seconds: Maybe<i64>,
});
/// Words by words.
type Words = BTreeMap<String, String>;
section!(RawLdapDirectory {
    url: Maybe<String>,
    ca_file: Maybe<String>,
    bind_dn: Maybe<String>,
    password: Maybe<String>,
    password_file: Maybe<String>,
    password_credential: Maybe<String>,
    base: Maybe<String>,
    find: Maybe<String>,
    target: Maybe<String>,
    owner: Maybe<String>,
    columns: Maybe<Words>,
    roles: Maybe<Words>,
    timeout_seconds: Maybe<i64>,
});
section!(RawSqlDirectory {
    store: Maybe<String>,
    find: Maybe<String>,
    target: Maybe<String>,
    owner: Maybe<String>,
    ended: Maybe<String>,
    accounts: Maybe<String>,
});
section!(RawFileDirectory { path: Maybe<String> });
section!(RawAuthentication {
    trusted_mx: Maybe<String>,
    proof_days: Maybe<i64>,
    dns_timeout_seconds: Maybe<i64>,
});
section!(RawSpam {
    rspamd: Maybe<RawRspamd>,
    spamd: Maybe<RawSpamd>,
    header: Maybe<String>,
    timeout_seconds: Maybe<i64>,
    bytes_max: Maybe<i64>,
});
section!(RawRspamd {
    url: Maybe<String>,
    password: Maybe<String>,
    password_file: Maybe<String>,
    password_credential: Maybe<String>,
});
section!(RawSpamd { host: Maybe<String>, port: Maybe<i64> });
section!(RawAuthorityRow { role: Maybe<String>, scope: Maybe<String>, target: Maybe<String>, rule: Maybe<String> });
section!(RawChallenge {
    expires_days: Maybe<i64>,
    reminder_days: Maybe<i64>,
    code_for: Option<Vec<Spanned<String>>>,
    per_address_hours: Maybe<i64>,
    addresses_max: Maybe<i64>,
    attempts_max: Maybe<i64>,
    freeze_days: Maybe<i64>,
});
section!(RawSchedule {
    grace_days: Maybe<i64>,
    owner_silence_days: Maybe<i64>,
    work_days: Maybe<i64>,
    due_soon_days: Maybe<i64>,
    second_sweep_days: Maybe<i64>,
    canary_minutes: Maybe<i64>,
    replay_by_itself: Maybe<bool>,
});
section!(RawLaw { pack: Maybe<String>, holidays_file: Maybe<String> });
section!(RawLimits {
    body_bytes_max: Maybe<i64>,
    mime_depth_max: Maybe<i64>,
    parts_max: Maybe<i64>,
    text_chars_max: Maybe<i64>,
    html_bytes_max: Maybe<i64>,
    rows_per_chunk: Maybe<i64>,
    rows_per_subject_max: Maybe<i64>,
    drift_percent: Maybe<i64>,
    drift_rows: Maybe<i64>,
    directory_rows_max: Maybe<i64>,
    statement_seconds: Maybe<i64>,
    address_letters_per_hour: Maybe<i64>,
    domain_letters_per_hour: Maybe<i64>,
    letters_per_hour: Maybe<i64>,
    alarms_gathered_minutes: Maybe<i64>,
});
section!(RawRetention {
    letter_days: Maybe<i64>,
    unverified_letter_days: Maybe<i64>,
    job_days: Maybe<i64>,
    digest_days: Maybe<i64>,
    suppression_days: Maybe<i64>,
    tell_at_end: Maybe<bool>,
});
section!(RawTermination {
    after_days: Maybe<i64>,
    accounts_per_run_max: Maybe<i64>,
    share_percent_max: Maybe<i64>,
});
section!(RawStores { maps: Option<Vec<Spanned<String>>> });
section!(RawLog { format: Maybe<String>, filter: Maybe<String> });
section!(RawWorkers { count: Maybe<i64>, erasures: Maybe<i64>, lease_seconds: Maybe<i64>, drain_seconds: Maybe<i64> });
section!(RawWeb {
    listen: Maybe<String>,
    public_url: Maybe<String>,
    client_address_header: Maybe<String>,
    address_requests_per_minute: Maybe<i64>,
    token_requests_per_minute: Maybe<i64>,
    connections_max: Maybe<i64>,
    read_seconds: Maybe<i64>,
});
