//! Who sits at the command line: the operating system's user, for the trail's pseudonym.
//!
//! Nobody is authenticated here. Whoever may run these commands can read the key file, and with it everything; the
//! name tells honest operators apart.

use std::fs;

/// Whoever sits at the command line.
pub(super) struct Login {
    /// The name that the trail has the pseudonym of.
    pub(super) name: String,
    /// The user whom the system knows to act. Of two people one must not be the other in disguise.
    pub(super) person: String,
    /// Whom the environment names besides.
    pub(super) claimed: Option<String>,
}

/// The login: of whoever signed in, where the kernel knows (it survives sudo; only root can set it anew); otherwise the
/// process's user. Root who was called by sudo is "root for NAME": the environment says the name, and root can write there
/// what it likes, so that it stands in the trail and makes nobody a second person.
pub(super) fn login() -> Login {
    let uid = rustix::process::getuid().as_raw();
    let signed_in = fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| signed_in(&text));
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    of(uid, signed_in, std::env::var("SUDO_USER").ok(), &passwd)
}

fn of(uid: u32, signed_in: Option<u32>, sudo_user: Option<String>, passwd: &str) -> Login {
    let name = |uid: u32| name_of(passwd, uid).unwrap_or_else(|| format!("uid-{uid}"));
    let person = name(signed_in.unwrap_or(uid));
    let is_root = signed_in.unwrap_or(uid) == 0 && uid == 0;
    let claimed = sudo_user.filter(|name| is_root && is_known(passwd, name) && *name != person);
    let name = claimed.as_ref().map_or_else(|| person.clone(), |claimed| format!("{person} for {claimed}"));
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

    #[test]
    fn nobody_signed_in_where_the_number_is_all_ones() {
        assert_eq!(signed_in("1000\n"), Some(1000));
        assert_eq!(signed_in("4294967295"), None);
        assert_eq!(signed_in(""), None);
    }

    #[test]
    fn root_is_one_person_whomever_the_environment_names() {
        let passwd = "root:x:0:0:root:/:/bin/sh\nanna:x:1000:100::/:/bin/sh\nben:x:1001:100::/:/bin/sh\n";
        let of = |uid, signed_in, sudo: Option<&str>| {
            let Login { name, person, .. } = of(uid, signed_in, sudo.map(str::to_owned), passwd);
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
    fn a_user_is_found_by_number() {
        let passwd = "root:x:0:0:root:/:/bin/sh\n# nobody\n+::::::\nanna:x:1000:100::/:/bin/sh\n";
        assert_eq!(name_of(passwd, 1000).as_deref(), Some("anna"));
        assert_eq!(name_of(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_of(passwd, 100), None);
    }
}
