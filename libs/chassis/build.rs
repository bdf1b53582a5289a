//! Recompiles the tests when one of their migrations changes: `sqlx::migrate!` cannot see new files by itself.
fn main() {
    println!("cargo:rerun-if-changed=tests/migrations");
}
