//! Migrations are compiled in: a new one makes a new build.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
