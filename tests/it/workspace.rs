//! What cargo knows of the workspace.

use cargo_metadata::{Metadata, MetadataCommand};

/// Returns the platform of the compiler, as cargo calls it.
fn host() -> String {
    let told = std::process::Command::new("rustc").arg("-vV").output();
    let told = String::from_utf8(told.expect("rustc runs").stdout).expect("text");
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

/// Returns the crates of the workspace and all they need on this platform.
pub(crate) fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(rabt_tests::root().join("Cargo.toml"))
        // What other platforms need was never fetched.
        .other_options(["--filter-platform", &host(), "--offline", "--locked"].map(str::to_owned))
        .exec()
        .expect("cargo metadata")
}
