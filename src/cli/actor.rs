//! Who sits at the command line: the operating system's user, for the trail's pseudonym.
//!
//! Nobody is authenticated here. Whoever may run these commands can read the key file, and with it everything; the
//! name tells honest operators apart.

use std::fs;

/// The login name: of whoever signed in, where the kernel knows (it survives sudo, and nobody can set it twice);
/// otherwise of whoever called sudo, which only root's environment is believed in; otherwise of the process's user.
pub(super) fn login() -> String {
    let uid = rustix::process::getuid().as_raw();
    let signed_in = fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| signed_in(&text));
    if let Some(signed_in) = signed_in {
        return name(signed_in);
    }
    let by_sudo = std::env::var("SUDO_USER").ok().filter(|name| uid == 0 && !name.is_empty());
    by_sudo.unwrap_or_else(|| name(uid))
}

/// The name of a user, or their number where the system has no name for it.
fn name(uid: u32) -> String {
    let known = fs::read_to_string("/etc/passwd").ok().and_then(|passwd| name_of(&passwd, uid));
    known.unwrap_or_else(|| format!("uid-{uid}"))
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
    fn a_user_is_found_by_number() {
        let passwd = "root:x:0:0:root:/:/bin/sh\n# nobody\n+::::::\nanna:x:1000:100::/:/bin/sh\n";
        assert_eq!(name_of(passwd, 1000).as_deref(), Some("anna"));
        assert_eq!(name_of(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_of(passwd, 100), None);
    }
}
