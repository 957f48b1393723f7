//! The arrows between the rooms: who may name whom. The table is the architecture; the code is checked against it.
//!
//! A test module inside a room may name what it likes. How to add a room: a row in [`ROOMS`] with the reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::source::{code_of, module_of, named_paths, rust_files, without_tests};

/// One room and what it may name besides itself.
struct Room {
    /// Its module at the root of the crate.
    name: &'static str,
    /// The paths that it may name: a room, or one module of a room.
    may_name: &'static [&'static str],
    /// Why so far and no further.
    because: &'static str,
}

impl Room {
    /// What it may name, given the rows above it.
    fn open_to(&self, above: &[Self]) -> Vec<&'static str> {
        if self.may_name == ALL_ABOVE { above.iter().map(|room| room.name).collect() } else { self.may_name.to_vec() }
    }
}

/// Rooms that join others may name every room of a row above their own.
const ALL_ABOVE: &[&str] = &["*"];

/// From the ground up: a row names only rooms of rows above it, so there is no circle.
const ROOMS: &[Room] = &[
    Room {
        name: "breakpoint",
        may_name: &[],
        because: "a named point at which a crash test kills the process; it knows nothing of what happens there",
    },
    Room {
        name: "finish",
        may_name: &[],
        because: "a future that is finished even if nobody waits for it; it knows nothing of what it does",
    },
    Room {
        name: "stumble",
        may_name: &[],
        because: "what a reader of TOML stumbled over is taken out; it knows nothing of what is read",
    },
    Room {
        name: "outbound",
        may_name: &[],
        because: "a question by HTTP within its limits; who asks, and what the answer says, it does not know",
    },
    Room { name: "chance", may_name: &[], because: "it stands at the bottom: random bytes as a parameter" },
    Room {
        name: "domain",
        may_name: &["chance"],
        because: "what a request is and how it lives is pure; ids are drawn from a chance that somebody hands in",
    },
    Room { name: "clock", may_name: &["domain"], because: "it answers in the domain's own timestamps" },
    Room {
        name: "oauth",
        may_name: &["outbound", "domain"],
        because: "it asks for access tokens; what they open is somebody else's business",
    },
    Room {
        name: "mailbox",
        may_name: &["breakpoint", "domain", "chance", "clock", "oauth"],
        because: "it fetches and marks; what a letter means is not its business",
    },
    Room {
        name: "intake",
        may_name: &["domain", "chance", "clock"],
        because: "bytes become facts without looking anything up",
    },
    Room {
        name: "authenticate",
        may_name: &["domain", "chance", "clock", "intake"],
        because: "it judges signatures by what DNS says; whose address it is, and what follows, it does not know",
    },
    Room {
        name: "filter",
        may_name: &["outbound"],
        because: "it asks a spam filter about bytes; what a letter is, and what follows, it does not know",
    },
    Room {
        name: "vault",
        may_name: &["domain", "chance", "clock"],
        because: "keys and sealed data; where the sealed bytes lie is somebody else's business",
    },
    Room { name: "queue", may_name: &["domain", "chance", "clock"], because: "jobs know nothing of what they do" },
    Room {
        name: "stores",
        may_name: &["outbound", "domain", "chance", "clock", "finish"],
        because: "a place that we erase from never sees our own database, or who asked",
    },
    Room {
        name: "trail",
        may_name: &["domain", "chance", "clock", "vault"],
        because: "leaves commit to private facts under keys of the vault",
    },
    Room {
        name: "verify",
        may_name: &["domain", "chance", "clock", "stores", "vault"],
        because: "the directory is asked through the stores' traits, tokens come from keys of the vault",
    },
    Room {
        name: "erase",
        may_name: &["stumble", "domain", "chance", "clock", "stores", "verify"],
        because: "a plan takes an authority, which only verify makes, and acts through the stores' traits",
    },
    Room {
        name: "reply",
        may_name: &["domain", "chance", "clock", "oauth", "mailbox::settings", "mailbox::trouble"],
        because: "it writes and sends; of the mailbox it knows only the words for encryption, login and what stands in its way",
    },
    Room {
        name: "db",
        may_name: &["breakpoint", "finish", "domain", "chance", "clock", "queue", "trail", "vault", "verify", "erase"],
        because: "our own database implements the traits of the stages and stores what they made; it never acts",
    },
    Room {
        name: "config",
        may_name: &[
            "stumble", "domain", "chance", "clock", "oauth", "mailbox", "intake", "filter", "verify", "queue", "erase",
            "stores", "reply", "trail", "vault",
        ],
        because: "it checks what people wrote into the settings types of the rooms; it opens nothing",
    },
    Room {
        name: "flow",
        may_name: ALL_ABOVE,
        because: "it joins the stages: load, stage, apply, one transaction; who runs it is not its business",
    },
    Room {
        name: "web",
        may_name: &["domain", "config", "verify", "reply", "flow"],
        because: "it speaks HTTP and counts; what an answer means is the flow's, and of verify it knows how a token looks",
    },
    Room {
        name: "daemon",
        may_name: ALL_ABOVE,
        because: "it builds everything and lets it run; it does not know that there is a command line, or a demo",
    },
    Room {
        name: "output",
        may_name: &["domain"],
        because: "the writers for stdout and stderr stand apart, because the command line and the demo share them",
    },
    Room {
        name: "demo",
        may_name: ALL_ABOVE,
        because: "a world for the daemon to live in; of the command line that starts it, it knows only the writers",
    },
    Room {
        name: "cli",
        may_name: ALL_ABOVE,
        because: "the outermost room of production sees everything, and the demo is one of its commands",
    },
    Room { name: "main", may_name: &["cli"], because: "command line in, exit code out" },
];

/// Inner modules that only some rooms may name, although their room as a whole is open to more.
const DOORS: &[(&str, &[&str], &str)] = &[
    ("stores::sqlite", BUILDERS, "connectors are used through the traits; only those who build the house choose one"),
    ("stores::postgres", BUILDERS, "connectors are used through the traits; only those who build the house choose one"),
    ("stores::object", BUILDERS, "connectors are used through the traits; only those who build the house choose one"),
    ("stores::redis", BUILDERS, "connectors are used through the traits; only those who build the house choose one"),
    ("stores::mysql", BUILDERS, "connectors are used through the traits; only those who build the house choose one"),
];
const BUILDERS: &[&str] = &["stores", "daemon", "demo", "cli"];

/// Whether `path` is `allowed` or lies below it.
fn lies_in(path: &[String], allowed: &str) -> bool {
    let mut segments = path.iter();
    allowed.split("::").all(|part| segments.next().is_some_and(|segment| segment == part))
}

#[test]
fn no_room_names_a_room_that_it_must_not_know() {
    let sources = rust_files("src");
    let rooms: BTreeSet<String> =
        sources.iter().filter_map(|(file, _)| module_of(file).first().cloned()).chain(["main".to_owned()]).collect();
    let macros = root_macros(&sources);
    let skipped = test_files(&sources);

    let mut wrong = Vec::new();
    for (file, text) in sources.iter().filter(|(file, _)| !file.ends_with("lib.rs")) {
        let module = module_of(file);
        if skipped.iter().any(|test| module.starts_with(test)) {
            continue;
        }
        let name = module.first().map_or("main", String::as_str);
        let Some(row) = ROOMS.iter().position(|room| room.name == name) else {
            wrong.push(format!("{}: the room `{name}` has no row in ROOMS (tests/layering.rs)", file.display()));
            continue;
        };
        let room = &ROOMS[row];
        let may_name = room.open_to(&ROOMS[..row]);
        let (code, _) = without_tests(&code_of(text));
        for mut named in named_paths(&code, &module) {
            if let [only] = named.path.as_slice()
                && let Some(owner) = macros.get(only)
            {
                named.path.insert(0, owner.clone());
            }
            let place = format!("{}:{}: `{}`", file.display(), named.line, named.path.join("::"));
            match named.path.first() {
                Some(first) if first == name => {}
                Some(first) if !rooms.contains(first) => wrong.push(format!("{place} is in no room")),
                _ if !may_name.iter().any(|allowed| lies_in(&named.path, allowed)) => wrong.push(format!(
                    "{place} is not open to `{name}`, because {}; it may name: {}",
                    room.because,
                    may_name.join(", ")
                )),
                _ => wrong.extend(
                    DOORS
                        .iter()
                        .filter(|(door, open_to, _)| lies_in(&named.path, door) && !open_to.contains(&name))
                        .map(|(_, _, because)| format!("{place} is not open to `{name}`: {because}")),
                ),
            }
        }
    }
    assert!(wrong.is_empty(), "{} arrows point where none may:\n{}", wrong.len(), wrong.join("\n"));
}

const ARCHITECTURE: &str = include_str!("../ARCHITECTURE.md");

/// The arrows as ARCHITECTURE.md draws them; one from a frame starts at each room in it.
fn drawn() -> BTreeSet<(&'static str, &'static str)> {
    let (_, picture) = ARCHITECTURE.split_once("flowchart BT\n").expect("a picture");
    let (picture, _) = picture.split_once("```").expect("its end");
    let (mut frame, mut framed, mut arrows) = (None, BTreeMap::<_, Vec<_>>::new(), BTreeSet::new());
    for line in picture.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("subgraph ") {
            frame = Some(name);
        } else if line == "end" {
            frame = None;
        } else if let Some((from, to)) = line.split_once("-->") {
            let (from, _) = from.split_once("--").unwrap_or((from, ""));
            for from in from.split('&').map(str::trim) {
                let rooms = framed.get(from).cloned().unwrap_or_else(|| vec![from]);
                arrows.extend(rooms.into_iter().flat_map(|room| to.split('&').map(move |to| (room, to.trim()))));
            }
        } else {
            framed.entry(frame.expect("a room stands in a frame")).or_default().push(line);
        }
    }
    arrows
}

/// Every room that arrows lead to from this one.
fn reached<'a>(arrows: &BTreeSet<(&'a str, &'a str)>, from: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(room) = open.pop() {
        let next = arrows.iter().filter(|(one, other)| *one == room && !seen.contains(other)).map(|(_, other)| *other);
        let next: Vec<&str> = next.collect();
        seen.extend(next.iter().copied());
        open.extend(next);
    }
    seen
}

/// The picture draws no arrow that the table refuses, and leads wherever the table does.
#[test]
fn the_picture_of_the_arrows_is_that_of_the_table() {
    let drawn = drawn();
    let mut allowed = BTreeSet::new();
    for (row, room) in ROOMS.iter().enumerate() {
        let rooms = room.open_to(&ROOMS[..row]).into_iter();
        allowed.extend(rooms.map(|path| (room.name, path.split_once("::").map_or(path, |(room, _)| room))));
    }
    let refused: Vec<_> = drawn.difference(&allowed).collect();
    assert!(refused.is_empty(), "drawn, and not in ROOMS: {refused:?}");
    for room in ROOMS {
        let (in_picture, in_table) = (reached(&drawn, room.name), reached(&allowed, room.name));
        assert_eq!(in_picture, in_table, "what arrows lead to from `{}`: in the picture, and by ROOMS", room.name);
    }
}

/// Macros that stand at the root of the crate (`#[macro_export]`), with the room that wrote them.
fn root_macros(sources: &[(std::path::PathBuf, String)]) -> BTreeMap<String, String> {
    let pattern =
        regex::Regex::new(r"#\[macro_export\]\s*(?:#\[[^\]]*\]\s*)*macro_rules!\s*(\w+)").expect("a pattern of ours");
    let mut macros = BTreeMap::new();
    for (file, text) in sources {
        for found in pattern.captures_iter(&code_of(text)) {
            macros.extend(module_of(file).first().map(|room| (found[1].to_owned(), room.clone())));
        }
    }
    macros
}

/// The modules in files of their own that are compiled only for tests.
fn test_files(sources: &[(std::path::PathBuf, String)]) -> Vec<Vec<String>> {
    let mut modules = Vec::new();
    for (file, text) in sources {
        let (_, names) = without_tests(&code_of(text));
        modules.extend(names.into_iter().map(|name| [module_of(file), vec![name]].concat()));
    }
    modules
}

/// Crates that open the outside world, and the rooms that may name them.
const OUTSIDE: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["db", "stores", "demo"],
        "SQL is spoken by our own database, by the connectors, and by the demo's counts",
    ),
    ("async_imap", &["mailbox"], "mail comes in through one room"),
    ("lettre", &["reply"], "mail goes out through one room"),
    (
        "mail_parser",
        &["intake", "authenticate", "demo", "mailbox"],
        "letters are read by intake, by the second reader of a From header, and by the demo's customers",
    ),
    ("mail_auth", &["authenticate"], "signatures are verified, and DNS is asked, in one room"),
    ("minijinja", &["reply"], "letters are written by one room"),
    ("clap", &["cli", "output"], "the command line is one room's"),
    ("axum", &["web"], "HTTP is listened for by one room"),
    ("hyper", &["web"], "HTTP is listened for by one room"),
    ("hyper_util", &["web"], "HTTP is listened for by one room"),
    (
        "reqwest",
        &["outbound", "oauth", "filter", "stores"],
        "one room makes every client; token endpoints, a spam filter and the services of recipients are asked through it",
    ),
    ("ldap3", &["verify"], "an LDAP server is asked by the directory alone"),
    ("oauth2", &["oauth"], "access tokens are asked for by one room"),
    ("redis", &["stores"], "keys are read and deleted by a connector"),
    ("opendal", &["stores"], "objects are read and deleted by a connector"),
    ("reqsign_core", &["stores"], "what the driver does not ask a bucket for is signed by the connector"),
    ("reqsign_aws_v4", &["stores"], "what the driver does not ask a bucket for is signed by the connector"),
    ("quick_xml", &["stores"], "what a bucket answers is read by the connector"),
    ("tokio_rustls", &["mailbox", "reply"], "mail comes in and goes out over TLS"),
    (
        "rustls",
        &["outbound", "mailbox", "verify", "reply", "stores"],
        "mail, what is asked by HTTP and the connectors speak TLS",
    ),
    (
        "tokio::net",
        &["mailbox", "filter", "reply", "stores", "web"],
        "the pages are listened for; connections are opened to mail servers and a spam filter, and by the connectors' own libraries; a recipient's name is looked up first",
    ),
    (TCP_OR_UDP, &[], "nobody waits for the network in a thread"),
    ("tokio::fs", &["stores", "reply"], "files are read in the background by a store of files and a mailer into files"),
    (
        "std::fs",
        &[
            "vault",
            "config",
            "oauth",
            "mailbox",
            "reply",
            "daemon",
            "db",
            "cli",
            "demo",
            "breakpoint",
            "verify",
            "erase",
            "stores",
        ],
        "the pure rooms read no file",
    ),
];
/// Connections of the standard library, which wait in the thread.
const TCP_OR_UDP: &str = r"std::net::(?:\{[^}]*)?(?:Tcp|Udp)";
/// Rooms without I/O: not even a runtime for it.
const PURE: &[&str] = &["domain", "intake", "trail"];

#[test]
fn the_outside_world_is_opened_by_few_rooms() {
    let sources = rust_files("src");
    let skipped = test_files(&sources);
    let mut wrong = Vec::new();
    for (file, text) in &sources {
        let module = module_of(file);
        if skipped.iter().any(|test| module.starts_with(test)) {
            continue;
        }
        let room = module.first().map_or("main", String::as_str);
        let (code, _) = without_tests(&code_of(text));
        let names = |path: &str| is_named(&code, path);
        for (path, open_to, because) in OUTSIDE {
            if !open_to.contains(&room) && names(path) {
                wrong.push(format!("{} names {path}: {because}", file.display()));
            }
        }
        if PURE.contains(&room) && (names("tokio") || names("std::net") || names("std::fs")) {
            wrong.push(format!("{} is in a room without I/O", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether code names something of the outside: below its path, or by a `use` of the path itself. A room of ours that is
/// called like a crate is not the crate.
fn is_named(code: &str, path: &str) -> bool {
    let end = if path.ends_with(')') { "" } else { r"\s*(?:::|;)" };
    let pattern = regex::Regex::new(&format!(r"(?m)(?:^|[^:\w])(?:::)?{path}{end}")).expect("a pattern of ours");
    pattern.is_match(code)
}

#[test]
fn each_way_outside_is_seen_where_it_is_named() {
    for (line, path) in [
        ("let found = sqlx::query(sql);", "sqlx"),
        ("use ::redis::Cmd;", "redis"),
        ("use redis;", "redis"),
        ("fn f(operator: &opendal::Operator) {}", "opendal"),
        ("use tokio_rustls::TlsConnector;", "tokio_rustls"),
        ("let _ = rustls::crypto::ring::default_provider();", "rustls"),
        ("use tokio::net::TcpStream;", "tokio::net"),
        ("use tokio::fs;", "tokio::fs"),
        ("use axum::Router;", "axum"),
        ("use hyper::server::conn::http1;", "hyper"),
        ("use hyper_util::rt::TokioIo;", "hyper_util"),
        ("use std::net::{IpAddr, TcpListener};", TCP_OR_UDP),
        ("std::net::UdpSocket::bind(address)", TCP_OR_UDP),
    ] {
        assert!(is_named(line, path), "{line}");
        assert!(OUTSIDE.iter().any(|(known, ..)| *known == path), "{path} has no row");
    }
    for (line, path) in [
        ("use crate::stores::redis::RedisFailure;", "redis"),
        ("use super::redis::RedisFailure;", "redis"),
        ("use std::net::IpAddr;", TCP_OR_UDP),
        ("use tokio_rustls::TlsConnector;", "rustls"),
    ] {
        assert!(!is_named(line, path), "{line}");
    }
}

#[test]
fn the_table_has_no_circle_and_no_row_twice() {
    for (row, room) in ROOMS.iter().enumerate() {
        let above: Vec<&str> = ROOMS[..row].iter().map(|room| room.name).collect();
        assert!(!above.contains(&room.name), "`{}` has two rows", room.name);
        for allowed in room.open_to(&ROOMS[..row]) {
            let first = allowed.split("::").next().unwrap_or_default();
            assert!(above.contains(&first), "`{}` may name `{allowed}`, whose row is not above its own", room.name);
        }
    }
}

#[test]
fn only_a_path_below_an_allowed_one_is_allowed() {
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert!(lies_in(&path("mailbox::settings::Security"), "mailbox::settings"));
    assert!(lies_in(&path("domain"), "domain"));
    assert!(!lies_in(&path("mailbox"), "mailbox::settings"));
    assert!(!lies_in(&path("mailbox::settings_of"), "mailbox::settings"));
    assert!(!lies_in(&path("domains::X"), "domain"));
}
