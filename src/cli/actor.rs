//! Who sits at the command line: the operating system's user, for the trail's pseudonym.
//!
//! Nobody is authenticated here. Whoever may run these commands can read the key file, and with it everything; the
//! name tells honest operators apart.

use std::fs;

/// The login name: of whoever called sudo, otherwise of the process's user.
pub(super) fn login() -> String {
    let by_sudo = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty());
    let uid = rustix::process::getuid().as_raw();
    by_sudo
        .or_else(|| fs::read_to_string("/etc/passwd").ok().and_then(|passwd| name_of(&passwd, uid)))
        .unwrap_or_else(|| format!("uid-{uid}"))
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
    fn a_user_is_found_by_number() {
        let passwd = "root:x:0:0:root:/:/bin/sh\n# nobody\n+::::::\nanna:x:1000:100::/:/bin/sh\n";
        assert_eq!(name_of(passwd, 1000).as_deref(), Some("anna"));
        assert_eq!(name_of(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_of(passwd, 100), None);
    }
}
