//! What was built, from what.

use std::fmt;

/// Names the build that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildInfo {
    /// Version of the release.
    pub version: &'static str,
    /// Commit it was built from; absent when the builder did not say.
    pub commit: Option<&'static str>,
    /// `debug` or `release`.
    pub profile: &'static str,
    /// Operating system and processor.
    pub platform: (&'static str, &'static str),
}

impl BuildInfo {
    /// Returns the build that is running. The commit comes from the variable
    /// `RABT_BUILD_COMMIT` at compile time.
    pub const fn current() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("RABT_BUILD_COMMIT"),
            profile: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            platform: (std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

impl fmt::Display for BuildInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (system, processor) = self.platform;
        write!(f, "{}", self.version)?;
        if let Some(commit) = self.commit {
            write!(f, " ({commit})")?;
        }
        write!(f, " {} {system}-{processor}", self.profile)
    }
}

#[cfg(test)]
mod tests {
    use super::BuildInfo;

    #[test]
    fn names_version_and_profile() {
        let text = BuildInfo::current().to_string();
        assert!(text.starts_with(env!("CARGO_PKG_VERSION")), "{text}");
        assert!(text.contains("debug") || text.contains("release"), "{text}");
    }
}
