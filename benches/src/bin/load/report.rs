//! The figures, and the table that they make.

use benches::process::load_average;
use serde_json::{Value, json};

/// All figures so far, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    part: String,
    problems: Vec<String>,
}

#[derive(Debug)]
struct Row {
    part: String,
    what: String,
    cells: Vec<(&'static str, f64)>,
    load: f64,
}

impl Report {
    /// Begins a part.
    pub(crate) fn begin(&mut self, part: &str) {
        part.clone_into(&mut self.part);
        eprintln!("{part} (load {:.1})", load_average());
    }

    /// Notes a figure of a server.
    pub(crate) fn add(&mut self, what: &str, server: &'static str, figure: f64) {
        eprintln!("  {server}: {what} {}", shown(figure));
        let load = load_average();
        match self.rows.iter_mut().find(|row| row.what == what) {
            Some(row) => {
                row.load = row.load.max(load);
                row.cells.push((server, figure));
            }
            None => {
                let (part, what) = (self.part.clone(), what.to_owned());
                self.rows.push(Row { part, what, cells: vec![(server, figure)], load });
            }
        }
    }

    /// Notes that something could not be measured.
    pub(crate) fn problem(&mut self, text: String) {
        eprintln!("  ! {text}");
        self.problems.push(text);
    }

    fn servers(&self) -> Vec<&'static str> {
        let mut servers = Vec::new();
        for (server, _) in self.rows.iter().flat_map(|row| &row.cells) {
            if !servers.contains(server) {
                servers.push(server);
            }
        }
        servers
    }

    /// A Markdown table: a line for each figure, a column for each server, and how busy the machine was.
    pub(crate) fn table(&self) -> String {
        let servers = self.servers();
        let mut lines = vec![
            format!("| | {} | load |", servers.join(" | ")),
            format!("| --- |{} ---: |", " ---: |".repeat(servers.len())),
        ];
        for row in &self.rows {
            let cell = |server: &&str| {
                let found = row.cells.iter().find(|(name, _)| name == server);
                found.map_or_else(|| "–".to_owned(), |(_, figure)| shown(*figure))
            };
            let cells: Vec<String> = servers.iter().map(cell).collect();
            lines.push(format!("| {} | {} | {:.1} |", row.what, cells.join(" | "), row.load));
        }
        lines.extend(self.problems.iter().map(|text| format!("\nNot measured: {text}")));
        lines.join("\n")
    }

    /// The same for programs.
    pub(crate) fn to_json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let cells: serde_json::Map<String, Value> =
                    row.cells.iter().map(|(server, figure)| ((*server).to_owned(), json!(figure))).collect();
                json!({"part": row.part, "what": row.what, "load": row.load, "figures": cells})
            })
            .collect();
        json!({"rows": rows, "not_measured": self.problems})
    }
}

fn shown(figure: f64) -> String {
    let digits = if figure.abs() >= 100.0 {
        0
    } else if figure.abs() >= 10.0 {
        1
    } else {
        2
    };
    format!("{figure:.digits$}")
}
