//! Public APIs without a server.

mod tree;

use std::{fmt::Write, path::PathBuf, process::ExitCode};

use clap::Subcommand;
use septet_chassis::cli::print;
use septet_docs::{
    api::{Symbol, Visibility},
    compare::{self, Change, Difference},
    coverage, stale,
};
use serde_json::{Value, json};

use self::tree::Tree;
use crate::text;

/// What is done with public APIs without a server.
#[derive(Subcommand)]
pub enum DocsCommand {
    /// List the public API of a directory, and how much of it is documented
    ///
    /// Reads Rust, Python, TypeScript and JavaScript; leaves out what .gitignore names. Ends with 1 where the directory cannot
    /// be read. Files that cannot be parsed are named.
    Api {
        /// The directory
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// Private symbols too
        #[arg(long)]
        private: bool,
        /// Only public symbols without documentation
        #[arg(long, conflicts_with = "private")]
        undocumented: bool,
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Compare the public APIs of two commits of a git repository
    ///
    /// Tells what was added, removed and changed, what of it breaks those who use it and why, and which Markdown pages name
    /// what is gone. Ends with 3 where a difference breaks, and with 1 where something cannot be read.
    Diff {
        /// A checkout or a bare repository
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// The old side: a branch, a tag, a commit
        #[arg(value_name = "BASE")]
        base: String,
        /// The new side
        #[arg(value_name = "HEAD")]
        head: String,
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Runs a command.
///
/// # Errors
/// Something cannot be read.
pub fn run(command: DocsCommand) -> anyhow::Result<ExitCode> {
    match command {
        DocsCommand::Api { path, private, undocumented, json } => {
            let tree = tree::of_directory(&path)?;
            let api = tree.api();
            let shown: Vec<&Symbol> = api
                .symbols
                .iter()
                .filter(|symbol| private || symbol.visibility == Visibility::Public)
                .filter(|symbol| !undocumented || (symbol.wants_docs() && symbol.docs.is_empty()))
                .collect();
            let coverage = coverage::of(&api);
            if json {
                let languages = coverage.languages.iter().map(|(language, count)| {
                    json!({"language": language, "symbols": count.symbols, "documented": count.documented})
                });
                let document = json!({
                    "symbols": shown,
                    "coverage": languages.collect::<Vec<_>>(),
                    "unread": unread(&tree),
                });
                print(&format!("{}\n", serde_json::to_string_pretty(&document)?))?;
            } else {
                print(&api_text(&shown, &coverage, &tree))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        DocsCommand::Diff { path, base, head, json } => {
            let (old, new) = tree::of_commits(&path, &base, &head)?;
            let (old_api, new_api) = (old.api(), new.api());
            let differences = compare::differences(&old_api, &new_api);
            let stale = stale::mentions(&differences, &old.files, &new.files, &new_api);
            let breaking = differences.iter().filter(|of| of.breaking).count();
            if json {
                let document = json!({
                    "breaking": breaking,
                    "differences": differences,
                    "stale": stale,
                    "unread": unread(&new),
                });
                print(&format!("{}\n", serde_json::to_string_pretty(&document)?))?;
            } else {
                print(&diff_text(&differences, breaking, &stale, &new))?;
            }
            Ok(if breaking > 0 { ExitCode::from(3) } else { ExitCode::SUCCESS })
        }
    }
}

// Writing to a String cannot fail.

fn api_text(shown: &[&Symbol], coverage: &coverage::Coverage, tree: &Tree) -> String {
    let mut out = String::new();
    for symbol in shown {
        let mark = if symbol.visibility == Visibility::Private { "  (private)" } else { "" };
        let _ = writeln!(
            out,
            "{:10} {}{mark}  {}:{}",
            symbol.kind.name(),
            text::fit(&symbol.path, 120),
            text::fit(&symbol.file, 120),
            symbol.line
        );
        let _ = writeln!(out, "           {}", text::fit(&symbol.signature.text, 160));
    }
    for (language, count) in &coverage.languages {
        let percent = count.percent().unwrap_or(100.0);
        let _ = writeln!(
            out,
            "{}: {} of {} documented ({percent:.1} %)",
            language.name(),
            count.documented,
            text::count(u64::from(count.symbols), "public symbol")
        );
    }
    if coverage.languages.is_empty() {
        out += "no public API in a language that is read\n";
    }
    unread_text(&mut out, tree);
    out
}

fn diff_text(
    differences: &[Difference],
    breaking: usize,
    stale: &[stale::StaleMention],
    tree: &Tree,
) -> String {
    let mut out = String::new();
    for of in differences {
        let word = match of.change {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Changed => "changed",
            Change::Hidden => "hidden",
            Change::Renamed => "renamed",
        };
        let mark = if of.breaking { "BREAKS" } else { "      " };
        let _ = writeln!(out, "{mark} {word:8} {}", text::fit(&of.symbol().path, 120));
        let _ = writeln!(out, "                {}", text::fit(&of.reason, 160));
    }
    for mention in stale {
        let _ = writeln!(
            out,
            "stale  {}:{} names {}",
            text::fit(&mention.page, 120),
            mention.line,
            text::fit(&mention.symbol, 120)
        );
    }
    let _ = writeln!(out, "{}, {breaking} breaking", text::count(differences.len() as u64, "difference"));
    unread_text(&mut out, tree);
    out
}

fn unread_text(out: &mut String, tree: &Tree) {
    for (file, reason) in &tree.unread {
        let _ = writeln!(out, "unread {}: {}", text::fit(file, 120), text::fit(reason, 160));
    }
}

fn unread(tree: &Tree) -> Vec<Value> {
    tree.unread.iter().map(|(file, reason)| json!({"file": file, "reason": reason})).collect()
}
