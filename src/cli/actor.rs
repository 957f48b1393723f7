//! Who sits at the command line: the operating system's user, for the trail's pseudonym.
//!
//! Nobody is authenticated here. Whoever may run these commands can read the key file, and with it everything; the
//! name tells honest operators apart.
//!
//! Names are read from /etc/passwd and from nowhere else: a look-up of the system's (LDAP, sssd) may hang or be gone while somebody
//! must act. A user whom that file does not know is `uid-NUMBER`: one person like any other, in the trail and to the rule of two,
//! always under this name. Who is later written into the file is another one from then on.

use std::fs;

/// Whoever sits at the command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login {
    /// The name that the trail has the pseudonym of.
    pub(super) name: String,
    /// The user whom the system knows to act. Of two people one must not be the other in disguise.
    pub(super) person: String,
    /// Whom the environment names besides, by name and by number: they make nobody a second person, and may be the first.
    pub(super) claimed: Vec<String>,
}

/// Who called, as the programs by which people become others say it: sudo, doas and pkexec.
#[derive(Default)]
struct Called {
    /// By sudo, which root is "for" in the trail.
    sudo_user: Option<String>,
    /// By another one.
    others: Vec<String>,
    numbers: Vec<u32>,
}

/// The login: of whoever signed in, where the kernel knows (it survives sudo; only root can set it anew); otherwise the
/// process's user. Root who was called by sudo is "root for NAME": the environment says the name, and root can write there
/// what it likes, so that it stands in the trail and makes nobody a second person.
pub(super) fn login() -> Login {
    let uid = rustix::process::getuid().as_raw();
    let signed_in = fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| signed_in(&text));
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let said = |name: &str| std::env::var(name).ok().filter(|said| !said.is_empty());
    let called = Called {
        sudo_user: said("SUDO_USER"),
        others: said("DOAS_USER").into_iter().collect(),
        numbers: ["SUDO_UID", "PKEXEC_UID"].into_iter().filter_map(|name| said(name)?.parse().ok()).collect(),
    };
    of(uid, signed_in, called, &passwd)
}

fn of(uid: u32, signed_in: Option<u32>, called: Called, passwd: &str) -> Login {
    let name = |uid: u32| name_of(passwd, uid).unwrap_or_else(|| format!("uid-{uid}"));
    let person = name(signed_in.unwrap_or(uid));
    let is_root = signed_in.unwrap_or(uid) == 0 && uid == 0;
    let shown = called.sudo_user.clone().filter(|name| is_root && is_known(passwd, name) && *name != person);
    let mut claimed = Vec::new();
    // Whom the kernel knows to have signed in is that one; root may have signed in as root, and be called by others.
    if signed_in.is_none() || is_root {
        claimed.extend(called.sudo_user.into_iter().chain(called.others));
        claimed.extend(called.numbers.into_iter().map(name));
        claimed.sort();
        claimed.dedup();
        claimed.retain(|name| *name != person);
    }
    let name = shown.map_or_else(|| person.clone(), |shown| format!("{person} for {shown}"));
    Login { name, person, claimed }
}

/// The number in the format of proc(5): all ones where nobody signed in, as in a container.
fn signed_in(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

/// The name of a user in the format of passwd(5).
fn name_of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let found = fields.nth(1)?.parse::<u32>().ok()?;
        (found == uid).then(|| name.to_owned())
    })
}

/// Whether the system has a user of this name.
fn is_known(passwd: &str, name: &str) -> bool {
    !name.is_empty() && passwd.lines().any(|line| line.split(':').next() == Some(name) && line.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\nexpunged:x:999:999::/:/bin/false\nanna:x:1000:100::/:/bin/sh\nben:x:1001:100::/:/bin/sh\n";

    #[test]
    fn nobody_signed_in_where_the_number_is_all_ones() {
        assert_eq!(signed_in("1000\n"), Some(1000));
        assert_eq!(signed_in("4294967295"), None);
        assert_eq!(signed_in(""), None);
    }

    #[test]
    fn root_is_one_person_whomever_the_environment_names() {
        let of = |uid, signed_in, sudo: Option<&str>| {
            let called = Called { sudo_user: sudo.map(str::to_owned), ..Called::default() };
            let Login { name, person, .. } = of(uid, signed_in, called, PASSWD);
            (name, person)
        };
        let pair = |name: &str, person: &str| (name.to_owned(), person.to_owned());
        assert_eq!(of(0, None, None), pair("root", "root"));
        assert_eq!(of(0, None, Some("anna")), pair("root for anna", "root"));
        assert_eq!(of(0, None, Some("nobody-we-know")), pair("root", "root"));
        assert_eq!(of(0, None, Some("root")), pair("root", "root"));
        // The kernel knows who signed in before sudo; what the environment says then does not count.
        assert_eq!(of(0, Some(1000), Some("ben")), pair("anna", "anna"));
        assert_eq!(of(999, Some(1001), Some("anna")), pair("ben", "ben"));
        // Nobody but root is believed.
        assert_eq!(of(1000, None, Some("ben")), pair("anna", "anna"));
        assert_eq!(of(4711, None, None), pair("uid-4711", "uid-4711"));
    }

    #[test]
    fn whoever_called_may_be_the_one_who_acts() {
        let claimed = |uid, signed_in, sudo: Option<(&str, u32)>| {
            let called = Called {
                sudo_user: sudo.map(|(name, _)| name.to_owned()),
                numbers: sudo.into_iter().map(|(_, uid)| uid).collect(),
                ..Called::default()
            };
            of(uid, signed_in, called, PASSWD).claimed
        };
        assert_eq!(claimed(0, None, Some(("anna", 1000))), ["anna"]);
        assert_eq!(claimed(0, Some(0), Some(("anna", 1000))), ["anna"]);
        assert_eq!(claimed(999, None, Some(("anna", 1000))), ["anna"], "also where she became the service's user");
        // Whom only a directory of the system knows is a number when they come by themselves, and a name to sudo.
        assert_eq!(claimed(0, None, Some(("cleo", 5000))), ["cleo", "uid-5000"]);
        assert_eq!(of(5000, None, Called::default(), PASSWD).person, "uid-5000");
        assert!(claimed(0, Some(1001), Some(("anna", 1000))).is_empty(), "the kernel knows that it is ben");
        assert!(claimed(0, None, Some(("root", 0))).is_empty());
        let doas = Called { others: vec!["anna".to_owned()], ..Called::default() };
        assert_eq!(of(0, None, doas, PASSWD).claimed, ["anna"]);
    }

    #[test]
    fn a_user_is_found_by_number() {
        let passwd = "root:x:0:0:root:/:/bin/sh\n# nobody\n+::::::\nanna:x:1000:100::/:/bin/sh\n";
        assert_eq!(name_of(passwd, 1000).as_deref(), Some("anna"));
        assert_eq!(name_of(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_of(passwd, 100), None);
    }
}
