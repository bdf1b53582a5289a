//! Charges and estimates without a server.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use septet_chassis::cli::print;
use septet_cost::{
    amount::Amount,
    estimate::{self, Allowance, MAX_FILE, MAX_FILES, Prices},
    focus::{Charge, Format, Ledger, Reader, Summary, Total, Validator},
};
use septet_proto_common::v1::Verdict;
use septet_proto_cost::v1::{Estimate, ImportSummary, Money};
use serde_json::{Value, json};

use crate::text;

/// Bytes that are read at a time.
const PIECE: usize = 256 << 10;
/// Problems and lines that are printed for people.
const SHOWN: usize = 20;
/// Bytes of a price file at most.
const MAX_PRICES: u64 = 1 << 20;

/// What is done with costs without a server.
#[derive(Subcommand)]
pub enum CostCommand {
    /// Check files of FOCUS charges row by row, and add them up
    ///
    /// Several files are one history: a row that comes again is a duplicate, and one that was restated takes the place of the
    /// earlier one. Ends with 3 where a row was rejected, and with 1 where a file cannot be read.
    Import {
        /// Files in FOCUS 1.0 to 1.2: CSV with a header, or JSON objects
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Format of all files [default: by the ending of each: .csv, .json, .jsonl, .ndjson]
        #[arg(long, value_name = "FORMAT")]
        format: Option<FileFormat>,
        /// A column beyond FOCUS's that tells rows apart, such as a row id; may be given again
        #[arg(long = "identity-column", value_name = "COLUMN")]
        identity_columns: Vec<String>,
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Price what Helm values, Compose files and Kubernetes manifests deploy
    ///
    /// Ends with 3 where a month costs more than --max-monthly, and with 1 where something cannot be read.
    Estimate {
        /// A manifest, or a directory to look for manifests in
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// The state to compare with
        #[arg(long, value_name = "PATH")]
        parent: Option<PathBuf>,
        /// Prices in TOML [default: example prices]
        #[arg(long, value_name = "FILE")]
        prices: Option<PathBuf>,
        /// The most that a month may cost, in the currency of the prices
        #[arg(long, value_name = "AMOUNT")]
        max_monthly: Option<String>,
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Format of a file of charges.
#[derive(Clone, Copy, ValueEnum)]
pub enum FileFormat {
    /// A header with FOCUS's column names, then a line for each charge
    Csv,
    /// JSON objects, one after the other or in an array
    Json,
}

/// Runs a command.
///
/// # Errors
/// Something cannot be read or printed.
pub fn run(command: CostCommand) -> anyhow::Result<ExitCode> {
    match command {
        CostCommand::Import { files, format, identity_columns, json } => {
            import(&files, format, identity_columns, json)
        }
        CostCommand::Estimate { path, parent, prices, max_monthly, json } => {
            price(&path, parent.as_deref(), prices.as_deref(), max_monthly.as_deref(), json)
        }
    }
}

fn import(
    files: &[PathBuf],
    format: Option<FileFormat>,
    identity_columns: Vec<String>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let validator = Validator { identity_columns };
    let mut ledger = Ledger::default();
    let mut summaries = Vec::new();
    for path in files {
        let summary = import_one(path, format, &validator, &mut ledger)
            .with_context(|| format!("cannot import {}", path.display()))?;
        summaries.push((path.display().to_string(), summary));
    }
    let rejected = summaries.iter().any(|(_, summary)| summary.rejected > 0);
    if json {
        print(&format!("{:#}\n", import_json(&summaries, &ledger)))?;
    } else {
        print(&import_text(&summaries, &ledger))?;
    }
    Ok(if rejected { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

fn import_one(
    path: &Path,
    format: Option<FileFormat>,
    validator: &Validator,
    ledger: &mut Ledger,
) -> anyhow::Result<Summary> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let format = match (format, ending.as_deref()) {
        (Some(FileFormat::Csv), _) | (None, Some("csv")) => Format::Csv,
        (Some(FileFormat::Json), _) | (None, Some("json" | "jsonl" | "ndjson")) => Format::Json,
        _ => bail!("its ending does not say its format; give --format csv or --format json"),
    };
    let mut file = File::open(path)?;
    let progress = ProgressBar::new(file.metadata()?.len())
        .with_style(ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}")?);
    let mut reader = Reader::new(format, validator.clone());
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        reader.read(&piece[..read])?;
        let charges = reader.charges();
        ledger.enter(charges, &mut reader.summary);
        progress.inc(read as u64);
    }
    reader.end()?;
    let charges = reader.charges();
    ledger.enter(charges, &mut reader.summary);
    progress.finish_and_clear();
    Ok(reader.summary)
}

fn import_text(summaries: &[(String, Summary)], ledger: &Ledger) -> String {
    let mut out = String::new();
    for (file, summary) in summaries {
        let ImportSummary { accepted, replaced, duplicates, rejected, problems, deviations, rounded, .. } =
            summary.message(SHOWN);
        out += &format!(
            "{}: {}: {accepted} accepted, {replaced} replaced, {duplicates} duplicates, {rejected} rejected\n",
            text::fit(file, 200),
            text::count(summary.rows(), "row"),
        );
        for of in problems {
            let line = format!("row {}: {} is {}, and must be {}", of.row, of.column, of.found, of.rule);
            out += &format!("  {}\n", text::fit(&line, 160));
        }
        for of in deviations {
            let rows = text::count(of.rows, "row");
            let line = format!("{rows}, first {}: {} should be {}", of.first_row, of.column, of.rule);
            out += &format!("  kept, {}\n", text::fit(&line, 160));
        }
        if rounded > 0 {
            out +=
                &format!("  kept, {}: an amount was rounded to 15 decimals\n", text::count(rounded, "row"));
        }
    }
    out += "\nby service\n";
    let mut services: Vec<_> = ledger.totals(|charge| charge.service.clone()).into_iter().collect();
    services.sort_by_key(|(_, total)| std::cmp::Reverse(total.billed));
    for ((currency, service), total) in services.iter().take(SHOWN) {
        out += &format!("{:>18} {currency}  {}\n", total.billed.rounded(2), text::fit(service, 60));
    }
    if services.len() > SHOWN {
        out += &format!("{:>24}and {} more; --json has them all\n", "", services.len() - SHOWN);
    }
    out += "\nin all\n";
    for ((currency, _), total) in ledger.totals(|_| String::new()) {
        let Total { billed, effective, charges, .. } = total;
        let charges = text::count(charges, "charge");
        out += &format!("{billed} {currency} billed, {effective} {currency} effective, {charges}\n");
    }
    out
}

/// One stable document: `files` with counts, problems and deviations; `totals` and `by_service` of what stands after all files;
/// amounts are texts with all of their decimals.
fn import_json(summaries: &[(String, Summary)], ledger: &Ledger) -> Value {
    let files: Vec<Value> = summaries
        .iter()
        .map(|(file, summary)| {
            let message = summary.message(usize::MAX);
            let problems = message
                .problems
                .iter()
                .map(|of| json!({"row": of.row, "column": of.column, "found": of.found, "rule": of.rule}));
            let deviations = message.deviations.iter().map(|of| {
                json!({"column": of.column, "rule": of.rule, "rows": of.rows, "first_row": of.first_row})
            });
            json!({
                "file": file,
                "rows": summary.rows(),
                "accepted": message.accepted,
                "replaced": message.replaced,
                "duplicates": message.duplicates,
                "rejected": message.rejected,
                "rounded": message.rounded,
                "problems": problems.collect::<Vec<_>>(),
                "deviations": deviations.collect::<Vec<_>>(),
            })
        })
        .collect();
    let totals = |name: Option<&str>, key: fn(&Charge) -> String| -> Vec<Value> {
        let totals = ledger.totals(key).into_iter();
        totals
            .map(|((currency, key), total)| {
                let mut line = json!({
                    "currency": currency,
                    "billed": total.billed.to_string(),
                    "effective": total.effective.to_string(),
                    "list": total.list.to_string(),
                    "charges": total.charges,
                });
                if let Some(name) = name {
                    line[name] = key.into();
                }
                line
            })
            .collect()
    };
    json!({
        "files": files,
        "totals": totals(None, |_| String::new()),
        "by_service": totals(Some("service"), |charge| charge.service.clone()),
    })
}

fn price(
    path: &Path,
    parent: Option<&Path>,
    prices: Option<&Path>,
    max_monthly: Option<&str>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let prices = match prices {
        None => Prices::example()?,
        Some(file) => {
            let why = || format!("cannot use the prices in {}", file.display());
            if std::fs::metadata(file).with_context(why)?.len() > MAX_PRICES {
                bail!("{}: larger than {MAX_PRICES} bytes", file.display());
            }
            Prices::from_toml(&std::fs::read_to_string(file).with_context(why)?).with_context(why)?
        }
    };
    let limit = max_monthly
        .map(|text| Amount::parse(text).with_context(|| format!("--max-monthly {text}")))
        .transpose()?;
    let found = |path: &Path| -> anyhow::Result<estimate::Found> {
        let files = manifests(path).with_context(|| format!("cannot read {}", path.display()))?;
        let files = files.iter().map(|(path, content)| (path.as_str(), content.as_slice()));
        Ok(estimate::read(files, &prices))
    };
    let before = parent.map(found).transpose()?.unwrap_or_default();
    let mut estimate = estimate::estimate(found(path)?, before, &prices);
    let monthly = limit.map(|parsed| (parsed.amount, "--max-monthly".to_owned()));
    estimate::judge(&mut estimate, &Allowance { monthly, ..Allowance::default() }, 0);
    if json {
        print(&format!("{:#}\n", estimate_json(&estimate)))?;
    } else {
        print(&estimate_text(&estimate, parent.is_some()))?;
    }
    Ok(if estimate.verdict() == Verdict::Failed { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

/// Manifests by their paths below a directory, or one file.
fn manifests(path: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    if !std::fs::metadata(path)?.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, limited(path)?));
        return Ok(files);
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A link may lead anywhere, and round in circles.
            let kind = entry.file_type()?;
            if kind.is_dir()
                && !name.starts_with('.')
                && !["node_modules", "target", "vendor"].contains(&&*name)
            {
                folders.push(entry.path());
            } else if kind.is_file() && (name.ends_with(".yaml") || name.ends_with(".yml")) {
                let content = limited(&entry.path())?;
                if is_manifest(&name, &content) {
                    let below = entry.path();
                    let below = below.strip_prefix(path).unwrap_or(&below).to_string_lossy().into_owned();
                    files.push((below, content));
                }
            }
            if files.len() > MAX_FILES {
                bail!("there are more than {MAX_FILES} manifests");
            }
        }
    }
    Ok(files)
}

/// Up to one byte more than is priced, so that what is too long is told of as such.
fn limited(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut content = Vec::new();
    let file = File::open(path).with_context(|| path.display().to_string())?;
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

fn is_manifest(name: &str, content: &[u8]) -> bool {
    let says = |line: &[u8]| line.trim_ascii_start().starts_with(b"apiVersion:");
    let is_named = ["Chart.", "compose.", "docker-compose."].iter().any(|start| name.starts_with(start));
    is_named || name.contains("values") || content.split(|byte| *byte == b'\n').any(says)
}

fn estimate_text(estimate: &Estimate, has_parent: bool) -> String {
    let mut out = String::new();
    for line in estimate.lines.iter().take(SHOWN) {
        let needs = format!(
            "{} × {} mCPU, {} MiB memory, {} GiB storage",
            line.replicas,
            line.cpu_millis,
            line.memory_bytes >> 20,
            line.storage_bytes >> 30
        );
        out += &format!("{:>16}  {:40} {needs}\n", amount(&line.monthly), text::fit(&line.workload, 40));
        out += &format!("{:18}{}\n", "", text::fit(&format!("{}: {}", line.file, line.path), 140));
        for note in &line.notes {
            out += &format!("{:18}note: {}\n", "", text::fit(note, 140));
        }
    }
    let more = (estimate.lines_total as usize).saturating_sub(SHOWN);
    if more > 0 {
        out += &format!("{:18}and {more} more; --json has them\n", "");
    }
    for of in estimate.unpriced.iter().take(SHOWN) {
        let place = if of.path.is_empty() { of.file.clone() } else { format!("{}: {}", of.file, of.path) };
        out += &format!("{:>16}  {}\n", "not priced", text::fit(&format!("{place}: {}", of.reason), 160));
    }
    out += &format!("\n{} a month", amount(&estimate.monthly));
    if has_parent {
        out += &format!(", {} at the parent", amount(&estimate.parent_monthly));
    }
    out += &format!("\n{}: {}\n", text::verdict(estimate.verdict()), estimate.reason);
    out += &format!("prices: {}\n", estimate.prices);
    out
}

/// One stable document: amounts are texts with all of their decimals.
fn estimate_json(estimate: &Estimate) -> Value {
    let lines: Vec<Value> = estimate
        .lines
        .iter()
        .map(|line| {
            json!({
                "workload": line.workload,
                "file": line.file,
                "path": line.path,
                "replicas": line.replicas,
                "cpu_millis": line.cpu_millis,
                "memory_bytes": line.memory_bytes,
                "storage_bytes": line.storage_bytes,
                "monthly": exact(&line.monthly),
                "parent_monthly": exact(&line.parent_monthly),
                "notes": line.notes,
            })
        })
        .collect();
    let unpriced = estimate.unpriced.iter();
    let unpriced = unpriced.map(|of| json!({"file": of.file, "path": of.path, "reason": of.reason}));
    json!({
        "currency": estimate.monthly.as_ref().map(|money| money.currency.clone()),
        "monthly": exact(&estimate.monthly),
        "parent_monthly": exact(&estimate.parent_monthly),
        "difference": exact(&estimate.difference),
        "limit": estimate.limit.as_ref().and_then(Amount::of).map(|limit| limit.to_string()),
        "verdict": if estimate.verdict() == Verdict::Failed { "failed" } else { "passed" },
        "reason": estimate.reason,
        "prices": estimate.prices,
        "lines": lines,
        "lines_total": estimate.lines_total,
        "unpriced": unpriced.collect::<Vec<_>>(),
        "unpriced_total": estimate.unpriced_total,
    })
}

fn exact(money: &Option<Money>) -> String {
    money.as_ref().and_then(Amount::of).unwrap_or_default().to_string()
}

fn amount(money: &Option<Money>) -> String {
    let currency = money.as_ref().map_or("", |money| money.currency.as_str());
    format!("{} {currency}", money.as_ref().and_then(Amount::of).unwrap_or_default().rounded(2))
}
