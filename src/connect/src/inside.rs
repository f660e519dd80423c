//! What lies in a source's folder.

use std::path::Path;

use crate::error::ConnectError;

/// Refuses a file that is, or lies behind, a symbolic link that leads out of `folder`: whoever delivers
/// files there must not choose what else of this machine is read. A link to what lies in the folder
/// itself is followed.
///
/// # Errors
/// Configuration when it leads out, transient when the file cannot be found any more.
pub fn refuse_outside(folder: &Path, file: &Path) -> Result<(), ConnectError> {
    let name = file.strip_prefix(folder).unwrap_or(file).display();
    let place = format!("file {name}");
    let (Ok(folder), Ok(real)) = (folder.canonicalize(), file.canonicalize()) else {
        let remedy = "see that it is there, and let the account of this process read it";
        return Err(ConnectError::transient(place, "cannot be read", remedy));
    };
    if real.starts_with(folder) {
        return Ok(());
    }
    Err(ConnectError::configuration(
        place,
        "is a symbolic link, or lies behind one, that leads out of the folder of the source",
        "have the file itself delivered there, or name the folder in which it lies as `path`",
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::refuse_outside;

    #[test]
    fn a_link_is_followed_inside_of_its_folder_alone() {
        let [own, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [own, other] = [own.path(), other.path()];
        std::fs::write(own.join("a"), "").unwrap();
        std::fs::write(other.join("b"), "").unwrap();
        std::fs::create_dir(own.join("parts")).unwrap();
        symlink(own.join("a"), own.join("inside")).unwrap();
        symlink("../a", own.join("parts/up")).unwrap();
        for name in ["a", "inside", "parts/up", "parts/../a"] {
            assert_eq!(refuse_outside(own, &own.join(name)), Ok(()), "{name}");
        }
        symlink(other.join("b"), own.join("outside")).unwrap();
        symlink(other, own.join("all")).unwrap();
        symlink(own.join("outside"), own.join("twice")).unwrap();
        for name in ["outside", "all/b", "twice"] {
            let error = refuse_outside(own, &own.join(name)).unwrap_err();
            assert_eq!(error.name(), "configuration");
            let said = format!("file {name}: is a symbolic link");
            assert!(error.to_string().starts_with(&said), "{error}");
            assert!(!error.to_string().contains(&other.display().to_string()));
        }
        // The folder itself may be behind one: its path is the operator's.
        symlink(own, other.join("mounted")).unwrap();
        let mounted = other.join("mounted");
        assert_eq!(refuse_outside(&mounted, &mounted.join("a")), Ok(()));
        let error = refuse_outside(own, &own.join("gone")).unwrap_err();
        assert_eq!(error.name(), "transient");
    }
}
