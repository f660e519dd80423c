//! Compiles the public contract in `proto/` without an installed `protoc`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message;

const FILES: [&str; 11] = [
    "rabt/type/v1/label.proto",
    "rabt/type/v1/provenance.proto",
    "rabt/type/v1/context.proto",
    "rabt/type/v1/citizen.proto",
    "rabt/citizen/v1/citizen_service.proto",
    "rabt/change/v1/change_service.proto",
    "rabt/connector/v1/connector_service.proto",
    "rabt/linkage/v1/linkage_service.proto",
    "rabt/agreement/v1/agreement_service.proto",
    "rabt/audit/v1/audit_service.proto",
    "rabt/transparency/v1/transparency_service.proto",
];

/// Between a node and the processes it starts: not part of the contract with agencies.
const SOURCE: &str = "rabt/source/v1/source_service.proto";

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("rabt.descriptors"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .include_file("rabt.rs")
        .compile_fds(descriptors)?;
    // Its messages hold rows and secrets, so none of them can be printed.
    tonic_prost_build::configure()
        .include_file("source.rs")
        .skip_debug([".rabt.source.v1"])
        .compile_fds(protox::compile([SOURCE], [&root])?)?;
    Ok(())
}
