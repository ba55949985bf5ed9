//! README's own lines, typed as they stand.

use crate::asking::bash;
use crate::here::Here;
use crate::told::by_curl_sent;
use anyhow::Context;
use duban_tests::world::repository;

/// README's own lines, as they stand, in a folder that looks like the project's after `make up`. Gives how many reports were sent.
pub fn as_the_readme_says(here: &Here) -> anyhow::Result<i64> {
    let readme = std::fs::read_to_string(repository().join("README.md"))?;
    let (_, section) = readme.split_once("## Send a report").context("README says nothing of sending")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks: Vec<(&str, &str)> = section.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect();
    let [("sh", by_curl), ("sh", by_program), ("sh", major), ("python", by_urllib), ("python", by_nats)] = blocks.as_slice() else {
        anyhow::bail!("README's blocks are others than are tried here: {blocks:?}");
    };
    let folder = here.data.parent().context("no folder")?;
    std::fs::create_dir_all(folder.join("target/release"))?;
    std::os::unix::fs::symlink(&here.program, folder.join("target/release/duban"))?;
    std::fs::write(folder.join("FILE.csv"), "unit,subject\nMD01,货架倒了\nMD01,收银排队太久\n")?;

    // One by the program and two of a file; one from Python.
    let sent = 4 + by_curl_sent(by_curl, folder)? + by_curl_sent(&format!("source .duban/env\n{major}"), folder)?;
    let said = bash(&format!("shopt -s expand_aliases\n{by_program}"), folder)?;
    assert!(said.contains("tracking code") && said.contains("2 rows: 2 accepted"), "{said}");

    let python = |program: &str, with: &str| {
        std::fs::write(folder.join("block.py"), program)?;
        bash(&format!("source .duban/env\n{with} block.py"), folder)
    };
    let said = python(by_urllib, "python3")?;
    assert!(said.contains("'tracking_code': "), "{said}");
    let has_nats = |with: &str| bash(&format!("{with} -c 'import nats'"), folder).is_ok();
    let making = "python3 -m venv env && env/bin/pip install nats-py";
    assert!(section.contains(making), "README says otherwise how to get nats-py");
    let with = if has_nats("python3") {
        "python3"
    } else if bash(&format!("timeout 120 sh -c '{making}'"), folder).is_ok() && has_nats("env/bin/python") {
        "env/bin/python"
    } else {
        eprintln!("\n*** SKIPPED: nats-py is not here and cannot be installed, so README's lines for NATS were not tried ***\n");
        return Ok(sent);
    };
    let said = python(by_nats, with)?;
    assert!(said.contains("'tracking_code': ") && said.contains("'stream': 'REPORTS'"), "{said}");
    Ok(sent + 1)
}
