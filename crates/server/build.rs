//! Builds again when the page was built again: it stands inside the binary.

fn main() {
    println!("cargo:rerun-if-changed=../../web/dist");
}
