//! The file in which a refresh token is kept that the endpoint gave in the place of the one before it. Readable by our user alone;
//! written beside itself and renamed, so that there is always a whole one.

use std::io::{Read as _, Write as _};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::OauthError;

/// The longest that is read, in bytes.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;

/// The token that is kept, if one is.
pub(super) fn read(path: &Path) -> Result<Option<SecretString>, OauthError> {
    let unreadable = |source| OauthError::Renewed { path: path.to_owned(), source };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut text = Zeroizing::new(String::new());
    file.take(TOKEN_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    let token = text.trim();
    Ok((!token.is_empty()).then(|| SecretString::from(token)))
}

/// Keeps this one.
pub(super) fn write(path: &Path, token: &SecretString) -> Result<(), OauthError> {
    let written = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(token.expose_secret().as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(|source| OauthError::Renewed { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_kept_is_read_again_by_our_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("renewed");
        assert!(read(&path).unwrap().is_none());
        for token in ["first", "second"] {
            write(&path, &SecretString::from(token)).unwrap();
            assert_eq!(read(&path).unwrap().unwrap().expose_secret(), token);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write(&folder.path().join("no/renewed"), &SecretString::from("x")).is_err());
    }
}
