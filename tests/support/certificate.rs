//! A self-signed certificate for `localhost` and `127.0.0.1` that rustls accepts as its own trust anchor.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate and its private key, both PEM. The certificate file is also the `ca_file` to trust.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub cert_file: PathBuf,
    /// Its private key, not encrypted.
    pub key_file: PathBuf,
}

impl Certificate {
    /// Makes a certificate of two days in this folder. rustls wants a leaf (`CA:FALSE`) and alternative names.
    pub fn create(folder: &Path) -> Self {
        let (cert_file, key_file) = (folder.join("cert.pem"), folder.join("key.pem"));
        let answer = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .arg("-keyout")
            .arg(&key_file)
            .arg("-out")
            .arg(&cert_file)
            .output()
            .expect("openssl is installed (tests/run installs it)");
        assert!(answer.status.success(), "openssl req: {}", String::from_utf8_lossy(&answer.stderr));
        Self { cert_file, key_file }
    }
}
