//! OpenLDAP for tests: LDAP and LDAPS on 127.0.0.1, with entries that a test hands in.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::certificate::Certificate;
use super::leash::{Folder, Leash};
use super::{free_port, is_root};

/// Whom the program binds as, and by what.
pub const BIND_DN: &str = "cn=expunged,dc=example,dc=com";
/// Somebody who is shown one entry at most.
pub const LIMITED_DN: &str = "cn=limited,dc=example,dc=com";
/// The password of both.
pub const PASSWORD: &str = "ldap-hunter2";

/// A running server; stopped, and its folder removed, when it is dropped.
#[derive(Debug)]
pub struct Slapd {
    /// LDAP in the clear.
    pub ldap_port: u16,
    /// LDAP over TLS.
    pub ldaps_port: u16,
    /// The certificate to trust.
    pub ca_file: PathBuf,
    _leash: Leash,
}

impl Slapd {
    /// Starts one with these entries (LDIF, below `dc=example,dc=com`). A port can be taken between the choice and the start, so three
    /// are tried.
    pub async fn start(ldif: &str) -> Self {
        let mut failure = String::new();
        for _ in 0..3 {
            let [ldap_port, ldaps_port] = [free_port(), free_port()];
            let (folder, ca_file) = prepare(ldif);
            let config = folder.path().join("slapd/slapd.conf");
            let mut line: Vec<std::ffi::OsString> = Vec::new();
            if is_root() {
                line.extend(
                    ["setpriv", "--reuid=openldap", "--regid=openldap", "--clear-groups", "--"].map(Into::into),
                );
            }
            let places = format!("ldap://127.0.0.1:{ldap_port} ldaps://127.0.0.1:{ldaps_port}");
            line.extend(["/usr/sbin/slapd", "-d", "0", "-h", &places, "-f"].map(Into::into));
            line.push(config.into());
            let mut leash = Leash::start(folder, "TERM", &line);
            let answers = async || tokio::net::TcpStream::connect(("127.0.0.1", ldaps_port)).await.is_ok();
            match leash.until(Duration::from_secs(30), answers).await {
                Ok(()) => return Self { ldap_port, ldaps_port, ca_file, _leash: leash },
                Err(why) => failure = why,
            }
        }
        panic!("slapd does not start (tests/run installs it): {failure}");
    }
}

fn prepare(ldif: &str) -> (Folder, PathBuf) {
    let folder = Folder::create();
    let root = folder.path().join("slapd");
    fs::create_dir_all(root.join("db")).expect("a temporary folder takes a folder");
    let certificate = Certificate::create(&root);
    let (at, cert, key) = (root.display(), certificate.cert_file.display(), certificate.key_file.display());
    let config = format!(
        "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
         pidfile {at}/pid\nTLSCertificateFile {cert}\nTLSCertificateKeyFile {key}\nTLSVerifyClient never\n\
         database mdb\nsuffix dc=example,dc=com\nrootdn {BIND_DN}\nrootpw {PASSWORD}\ndirectory {at}/db\n\
         limits dn.exact=\"{LIMITED_DN}\" size=1\n\
         access to * by users read by anonymous auth\n"
    );
    fs::write(root.join("slapd.conf"), config).expect("the folder is ours");
    let base = format!(
        "dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n\
         dn: {LIMITED_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: limited\n\
         userPassword: {PASSWORD}\n\n"
    );
    fs::write(root.join("people.ldif"), format!("{base}{ldif}")).expect("the folder is ours");
    let added = Command::new("/usr/sbin/slapadd")
        .arg("-f")
        .arg(root.join("slapd.conf"))
        .arg("-l")
        .arg(root.join("people.ldif"))
        .output()
        .expect("slapd is installed (tests/run installs it)");
    assert!(added.status.success(), "slapadd: {}", String::from_utf8_lossy(&added.stderr));
    if is_root() {
        let owned = Command::new("chown").args(["-R", "openldap:openldap"]).arg(&root).status();
        assert!(owned.is_ok_and(|status| status.success()), "the user openldap exists");
    }
    (folder, certificate.cert_file)
}
