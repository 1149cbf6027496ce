//! How the plugin's shared library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The worker's threads may be within a denoising step when the host drops the last instance and closes the
        // library. It stays in memory, so that they never return into pages that are gone.
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}
