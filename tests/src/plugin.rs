//! Connectors that are executables of their own, written in Python.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rabt_connect::{PREFIX, Program};
use tempfile::TempDir;

use crate::place::{required, root, skip};

const PYTHON: &str = "/usr/bin/python3";
const GENERATOR: &str = "/usr/bin/grpc_python_plugin";

/// What the executables need, as Debian packages.
const PACKAGES: &str = "python3-grpcio, protobuf-compiler and protobuf-compiler-grpc";

/// A folder of executables with the stubs they import.
#[derive(Debug)]
pub struct Plugins(TempDir);

/// Returns a command that runs a script of `tests/python` with nothing but Python's own library; says when
/// there is no Python.
///
/// # Panics
/// When there is none and `RABT_REQUIRE_LANES` is `all`.
pub fn python_script(name: &str) -> Option<Command> {
    if !Path::new(PYTHON).exists() {
        assert!(
            !required(),
            "RABT_REQUIRE_LANES=all; install the Debian package python3"
        );
        skip("no Python (install the Debian package python3)");
        return None;
    }
    let mut command = Command::new(PYTHON);
    command.arg(root().join("tests/python").join(name));
    Some(command)
}

/// Returns the executables of `tests/python` with stubs that were made from `proto/`, or says what is
/// missing.
///
/// # Panics
/// When something is missing and `RABT_REQUIRE_LANES` is `all`, or the stubs cannot be made.
pub fn python_plugins() -> Option<Plugins> {
    let imports = Command::new(PYTHON)
        .args(["-c", "import grpc, google.protobuf"])
        .output();
    let has_python = imports.is_ok_and(|output| output.status.success());
    if !has_python || !Path::new(GENERATOR).exists() {
        assert!(
            !required(),
            "RABT_REQUIRE_LANES=all; install the Debian packages {PACKAGES}"
        );
        skip(&format!(
            "no Python for gRPC (install the Debian packages {PACKAGES})"
        ));
        return None;
    }
    let plugins = Plugins(TempDir::new().expect("a folder"));
    plugins.generate();
    let entries = std::fs::read_dir(root().join("tests/python")).expect("a folder of executables");
    for entry in entries {
        let path = entry.expect("an entry").path();
        let copy = plugins.folder().join(path.file_name().unwrap_or_default());
        std::fs::copy(&path, copy).expect("an executable is copied");
    }
    Some(plugins)
}

impl Plugins {
    /// Returns the folder.
    pub fn folder(&self) -> PathBuf {
        self.0.path().to_path_buf()
    }

    /// Returns an executable of the folder.
    pub fn program(&self, kind: &str) -> Program {
        Program::new(self.0.path().join(format!("{PREFIX}{kind}")))
    }

    /// Puts an executable `rabt-connector-<kind>` into the folder that runs another one of it with
    /// an argument.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn put(&self, kind: &str, file: &str, argument: &str) {
        let path = self.0.path().join(format!("{PREFIX}{kind}"));
        let folder = self.0.path().display();
        let text = format!("#!/bin/sh\nexec {PYTHON} '{folder}/{file}' {argument}\n");
        std::fs::write(&path, text).expect("an executable is written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("it may be executed");
    }

    fn generate(&self) {
        let out = self.0.path().display();
        let status = Command::new("protoc")
            .arg(format!("--proto_path={}", root().join("proto").display()))
            .arg(format!("--python_out={out}"))
            .arg(format!("--grpc_python_out={out}"))
            .arg(format!("--plugin=protoc-gen-grpc_python={GENERATOR}"))
            .arg("rabt/source/v1/source_service.proto")
            .status();
        assert!(status.is_ok_and(|status| status.success()), "stubs");
    }
}
