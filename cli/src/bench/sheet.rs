//! The bench's results: tables for people, figures for programs, the machine named.

use crate::show;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was measured.
#[derive(Debug, Default, Serialize)]
pub struct Sheet {
    machine: Vec<String>,
    remarks: Vec<String>,
    figures: BTreeMap<String, f64>,
    tables: Vec<Table>,
    /// The full way's cases a second, of which the latency's load is half.
    #[serde(skip)]
    pub live_rate: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Table {
    title: String,
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    pub fn new() -> Self {
        Self { machine: machine(), ..Self::default() }
    }

    pub fn remark(&mut self, text: &str) {
        eprintln!("! {text}");
        self.remarks.push(text.to_owned());
    }

    /// A ratio or other single number that matters.
    pub fn figure(&mut self, name: &str, value: f64) {
        self.figures.insert(name.to_owned(), value);
    }

    pub fn table(&mut self, title: &str, heading: &[String], rows: &[Vec<String>]) {
        let mut shown = show::table::<0>([]);
        shown.set_header(heading);
        for row in rows {
            shown.add_row(row);
        }
        eprintln!("\n{title}\n{shown}");
        self.tables.push(Table { title: title.to_owned(), heading: heading.to_vec(), rows: rows.to_vec() });
    }

    /// For docs/bench.md.
    pub fn markdown(&self) -> String {
        let mut text = format!("Measured by `duban bench` on {}.\n", self.machine.join(", "));
        for remark in &self.remarks {
            text.push_str(&format!("\n**{remark}**\n"));
        }
        for table in &self.tables {
            text.push_str(&format!("\n## {}\n\n| {} |\n|{}\n", table.title, table.heading.join(" | "), "---|".repeat(table.heading.len())));
            for row in &table.rows {
                text.push_str(&format!("| {} |\n", row.join(" | ")));
            }
        }
        text.push_str("\n## Figures\n\n| figure | value |\n|---|---|\n");
        for (name, value) in &self.figures {
            text.push_str(&format!("| {name} | {value:.2} |\n"));
        }
        text
    }
}

/// Processor, cores, memory, system.
fn machine() -> Vec<String> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu =
        read("/proc/cpuinfo").lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned()));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory =
        read("/proc/meminfo").lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    let system = read("/proc/sys/kernel/osrelease").trim().to_owned();
    vec![
        format!("{} with {cores} cores", cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned())),
        format!("{:.0} GB of memory", memory.unwrap_or(0.0) / 1e6),
        format!("Linux {system}"),
    ]
}
