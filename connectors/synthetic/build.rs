//! Has the crate built anew when an agency folder changes: the folders are compiled in.

fn main() {
    println!("cargo::rerun-if-changed=../agencies");
    println!("cargo::rerun-if-changed=vocabulary");
}
