//! What a command prints may be cut off: `duban … | head` is no error, and nothing to report.

use std::process::{Command, Stdio};

#[test]
fn a_schema_that_nobody_reads_to_its_end_is_no_error() {
    for of in ["pack", "calendar", "organisation"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duban"));
        let mut duban = command.args(["policy", "schema", of]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(duban.stdout.take());
        let ended = duban.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && said.is_empty(), "{of}: {said}");
    }
}
