//! What the trail says of the config and the policy: SHA-256 over the checked values, without secrets.
//!
//! The values are put in canonical JSON (RFC 8785), so that the order of keys and the layout of the file do not count.
//! Every struct is taken apart field by field: a new setting does not compile until somebody decides about it here.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Authentication, AuthorityRow, ChallengeSettings, Config, Database, Directory, Keys, Law, Limits, Log, Mailbox,
    MailboxKind, PerLanguage, Retention, Schedule, Service, Termination, Web, Workers,
};
use crate::domain::{Articles, LawPack, Period};
use crate::filter::{FilterSettings, Program};
use crate::mailbox::settings::{ImapSettings, Login, MaildirSettings, Security};
use crate::oauth::{Grant, OauthSettings};
use crate::reply::settings::{MailerSettings, SmtpSettings};
use crate::verify::LdapSettings;

/// The first member of every digest; a change of what follows gets another one.
const VERSION: u32 = 1;

impl Config {
    /// SHA-256 over every checked value but the secrets.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let Self {
            service,
            database,
            keys,
            mailbox,
            mailer,
            directory,
            authentication,
            spam,
            authority: _,
            challenge: _,
            schedule: _,
            law: _,
            // Made of the law's holidays and the service's time zone.
            calendar: _,
            limits,
            retention: _,
            termination: _,
            stores,
            log,
            workers,
            web,
        } = self;
        let Database { url: _, connections_max } = database;
        let Keys { kek_file, watermark_file } = keys;
        let Log { format, filter } = log;
        let Authentication { trusted_mx, proof, dns_timeout } = authentication;
        sha256(&json!({
            "version": VERSION,
            "service": service_value(service),
            "database": { "connections_max": connections_max },
            "keys": { "kek_file": kek_file.to_string_lossy(), "watermark_file": watermark_file.to_string_lossy() },
            "mailbox": mailbox_value(mailbox),
            "mailer": mailer_value(mailer),
            "directory": directory_value(directory),
            "authentication": {
                "trusted_mx": trusted_mx, "proof": proof.as_secs(), "dns_timeout": dns_timeout.as_secs(),
            },
            "spam": spam.as_ref().map(spam_value),
            "policy": self.policy(),
            "limits": limits_value(limits),
            "stores": stores.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "log": { "format": format.as_str(), "filter": filter },
            "workers": workers_value(workers),
            "web": web.as_ref().map(web_value),
        }))
    }

    /// SHA-256 over what decides about a request: the law pack, who may ask for what, how it is proved, the periods.
    #[must_use]
    pub fn policy_digest(&self) -> [u8; 32] {
        sha256(&self.policy())
    }

    fn policy(&self) -> Value {
        let Law { pack, holidays } = &self.law;
        let Retention {
            letter_days,
            unverified_letter_days,
            job_days,
            digest_days,
            suppression_days,
            tell_at_end,
            record_days,
        } = &self.retention;
        json!({
            "version": VERSION,
            "law": pack_value(pack),
            "holidays": holidays.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "time_zone": self.service.time_zone,
            "authority": self.authority.iter().map(authority_value).collect::<Vec<_>>(),
            "challenge": challenge_value(&self.challenge),
            "schedule": schedule_value(&self.schedule),
            "retention": {
                "letter": letter_days, "unverified_letter": unverified_letter_days, "job": job_days,
                "digest": digest_days, "suppression": suppression_days, "tell_at_end": tell_at_end,
                "record": record_days,
            },
            "termination": self.termination.as_ref().map(termination_value),
        })
    }
}

#[expect(clippy::expect_used, reason = "a tree of JSON values, all of them finite, always has a canonical text")]
fn sha256(value: &Value) -> [u8; 32] {
    let canonical = serde_json_canonicalizer::to_vec(value).expect("JSON values are canonicalised");
    Sha256::digest(canonical).into()
}

fn service_value(service: &Service) -> Value {
    let Service {
        name,
        address,
        sender_name,
        language,
        time_zone,
        team,
        colleagues,
        supervisory_authority,
        court_remedy,
    } = service;
    json!({
        "name": name, "address": address, "sender_name": sender_name, "language": language.as_str(),
        "time_zone": time_zone, "team": team, "colleagues": colleagues,
        "supervisory_authority": supervisory_authority,
        "court_remedy": words_value(court_remedy),
    })
}

fn words_value(words: &PerLanguage) -> Value {
    match words {
        PerLanguage::Same(words) => json!(words),
        // The language that stands in is told by `language`.
        PerLanguage::Each { fallback: _, words } => {
            words.iter().map(|(language, words)| (language.as_str().to_owned(), json!(words))).collect()
        }
    }
}

fn mailbox_value(mailbox: &Mailbox) -> Value {
    let Mailbox { kind, move_to, sent_folder, known_as, poll, silence_alarm } = mailbox;
    let kind = match kind {
        MailboxKind::Imap(imap) => imap_value(imap),
        MailboxKind::Maildir(MaildirSettings { path, keyword }) => {
            json!({ "kind": "maildir", "path": path.to_string_lossy(), "keyword": keyword })
        }
    };
    json!({
        "kind": kind, "move_to": move_to, "sent_folder": sent_folder, "known_as": known_as, "poll": poll.as_secs(),
        "silence_alarm": silence_alarm.as_secs(),
    })
}

fn imap_value(imap: &ImapSettings) -> Value {
    let ImapSettings { host, port, security, ca_file, user, login, folder, keyword, step_timeout, batch_bytes_max } =
        imap;
    json!({
        "kind": "imap", "host": host, "port": port, "security": security_word(*security),
        "ca_file": ca_file.as_ref().map(|path| path.to_string_lossy()), "user": user, "login": login_value(login), "folder": folder,
        "keyword": keyword, "step_timeout": step_timeout.as_secs(), "batch_bytes_max": batch_bytes_max,
    })
}

fn login_value(login: &Login) -> Value {
    let Login::Oauth(tokens) = login else { return json!("password") };
    let OauthSettings { endpoint, client_id, client_secret: _, grant, scope, section: _ } = tokens.settings();
    let (grant, renewed_file) = match grant {
        Grant::Refresh { token: _, renewed_file } => ("refresh_token", renewed_file.as_ref()),
        Grant::Client => ("client_credentials", None),
    };
    json!({
        "endpoint": endpoint.as_str(), "client_id": client_id, "grant": grant, "scope": scope,
        "renewed_file": renewed_file.map(|path| path.to_string_lossy()),
    })
}

fn mailer_value(mailer: &MailerSettings) -> Value {
    match mailer {
        MailerSettings::Smtp(SmtpSettings { host, port, security, ca_file, login, send_timeout }) => json!({
            "kind": "smtp", "host": host, "port": port, "security": security_word(*security),
            "ca_file": ca_file.as_ref().map(|path| path.to_string_lossy()),
            "user": login.as_ref().map(|(user, _)| user),
            "login": login.as_ref().map(|(_, login)| login_value(login)), "send_timeout": send_timeout.as_secs(),
        }),
        MailerSettings::File(path) => json!({ "kind": "file", "path": path.to_string_lossy() }),
        MailerSettings::Memory => json!({ "kind": "memory" }),
    }
}

const fn security_word(security: Security) -> &'static str {
    match security {
        Security::Tls => "tls",
        Security::StartTls => "starttls",
    }
}

fn spam_value(spam: &FilterSettings) -> Value {
    let FilterSettings { program, header, timeout, bytes_max } = spam;
    let program = program.as_ref().map(|program| match program {
        Program::Rspamd { url, password: _ } => json!({ "kind": "rspamd", "url": url.as_str() }),
        Program::Spamd { host, port } => json!({ "kind": "spamd", "host": host, "port": port }),
    });
    json!({ "program": program, "header": header, "timeout": timeout.as_secs(), "bytes_max": bytes_max })
}

fn directory_value(directory: &Directory) -> Value {
    match directory {
        Directory::Sql { store, find, target, owner, ended, accounts } => json!({
            "kind": "sql", "store": store, "find": find, "target": target, "owner": owner, "ended": ended,
            "accounts": accounts,
        }),
        Directory::Http { url, secret: _, allow, timeout } => json!({
            "kind": "http", "url": url, "allow": allow.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "timeout": timeout.as_secs(),
        }),
        Directory::Ldap { settings, find, target, owner } => {
            let LdapSettings { url, ca_file, bind, base, columns, roles, timeout } = settings;
            let roles: Value = roles.iter().map(|(word, role)| (word.clone(), json!(role.as_str()))).collect();
            json!({
                "kind": "ldap", "url": url.as_str(), "ca_file": ca_file.as_ref().map(|path| path.to_string_lossy()),
                "bind_dn": bind.as_ref().map(|(dn, _)| dn), "base": base, "columns": columns, "roles": roles,
                "timeout": timeout.as_secs(), "find": find, "target": target, "owner": owner,
            })
        }
        Directory::File(path) => json!({ "kind": "file", "path": path.to_string_lossy() }),
    }
}

fn authority_value(row: &AuthorityRow) -> Value {
    let AuthorityRow { role, scope, target, rule } = row;
    json!([role.as_str(), scope.as_str(), target.as_str(), rule.as_str()])
}

fn challenge_value(challenge: &ChallengeSettings) -> Value {
    let ChallengeSettings { expires, reminder, code_for, per_address, addresses_max, attempts_max, freeze } = challenge;
    json!({
        "expires": expires.as_secs(), "reminder": reminder.as_secs(),
        "code_for": code_for.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
        "per_address": per_address.as_secs(), "addresses_max": addresses_max, "attempts_max": attempts_max,
        "freeze": freeze.as_secs(),
    })
}

fn termination_value(termination: &Termination) -> Value {
    let Termination { after, accounts_per_run_max, share_percent_max } = termination;
    json!({ "after": after.as_secs(), "accounts": accounts_per_run_max, "share": share_percent_max })
}

fn schedule_value(schedule: &Schedule) -> Value {
    let Schedule { grace, owner_silence, work, due_soon, second_sweep, canary, replay_by_itself } = schedule;
    json!({
        "grace": grace.as_secs(), "owner_silence": owner_silence.as_secs(),
        "work": work.as_secs(), "due_soon": due_soon.as_secs(),
        "second_sweep": second_sweep.as_secs(), "canary": canary.as_secs(), "replay_by_itself": replay_by_itself,
    })
}

fn limits_value(limits: &Limits) -> Value {
    let Limits {
        body_bytes_max,
        mime_depth_max,
        parts_max,
        text_chars_max,
        html_bytes_max,
        rows_per_chunk,
        rows_per_subject_max,
        drift_percent,
        drift_rows,
        directory_rows_max,
        statement,
        address_letters_per_hour,
        domain_letters_per_hour,
        letters_per_hour,
        alarms_gathered,
    } = limits;
    json!({
        "body_bytes_max": body_bytes_max, "mime_depth_max": mime_depth_max, "parts_max": parts_max,
        "text_chars_max": text_chars_max, "html_bytes_max": html_bytes_max,
        "rows_per_chunk": rows_per_chunk,
        "rows_per_subject_max": rows_per_subject_max, "drift_percent": drift_percent, "drift_rows": drift_rows,
        "directory_rows_max": directory_rows_max, "statement": statement.as_secs(),
        "address_letters_per_hour": address_letters_per_hour, "domain_letters_per_hour": domain_letters_per_hour,
        "letters_per_hour": letters_per_hour, "alarms_gathered": alarms_gathered.as_secs(),
    })
}

fn web_value(web: &Web) -> Value {
    let Web {
        listen,
        public_url,
        client_address_header,
        address_requests_per_minute,
        token_requests_per_minute,
        connections_max,
        read,
    } = web;
    json!({
        "listen": listen.to_string(), "public_url": public_url, "client_address_header": client_address_header,
        "address_requests_per_minute": address_requests_per_minute, "connections_max": connections_max,
        "token_requests_per_minute": token_requests_per_minute, "read": read.as_secs(),
    })
}

fn workers_value(workers: &Workers) -> Value {
    let Workers { count, erasures, lease, drain } = workers;
    json!({ "count": count, "lease": lease.as_secs(), "drain": drain.as_secs(), "erasures": erasures })
}

fn pack_value(pack: &LawPack) -> Value {
    let LawPack {
        name,
        title,
        period,
        period_extended,
        acknowledge,
        rolls_to_working_day,
        articles,
        record_days,
        supervisory_authority,
        court_remedy,
    } = pack;
    let Articles {
        erasure,
        period: of_period,
        extension,
        refusal,
        exceptions,
        processor,
        instructions,
        recipients,
        record,
        refusals,
    } = articles;
    json!({
        "name": name, "title": title, "period": period_value(*period),
        "period_extended": period_extended.map(period_value), "acknowledge": acknowledge.map(period_value),
        "rolls_to_working_day": rolls_to_working_day, "record_days": record_days,
        "supervisory_authority": supervisory_authority, "court_remedy": court_remedy,
        "articles": [erasure, of_period, extension, refusal, exceptions, processor, instructions, recipients, record],
        "refusals": refusals,
    })
}

fn period_value(period: Period) -> Value {
    match period {
        Period::Months(months) => json!({ "months": months }),
        Period::Days(days) => json!({ "days": days }),
        Period::WorkingDays(days) => json!({ "working_days": days }),
    }
}
