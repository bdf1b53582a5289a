//! Flags without a server.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use septet_chassis::cli::print;
use septet_cx::flag::{Context, Evaluated, Evaluator, Payload, Source, Sticky, StickyDoc};
use serde_json::{Map, Value, json};

use crate::text::fit;

/// Bytes of a file at most.
const MAX_FILE: u64 = 64 << 20;
/// Widest value in the table, in characters.
const VALUE: usize = 40;

/// What is done with flags and experiments without a server.
#[derive(Subcommand)]
pub enum CxCommand {
    /// Evaluate the flags of a GrowthBook SDK payload for somebody
    ///
    /// FILE has `features`, and where they are needed `savedGroups`, `contextualBandits`, `attributes`, `forcedVariations`, `url`,
    /// and `stickyBucketAssignmentDocs`. The same input always gives the same answer. Ends with 3 where a rule has something that
    /// can match nobody or a flag was asked for that is not there, and with 1 where FILE cannot be read.
    #[command(
        after_help = "--json prints {\"evaluations\": {KEY: {value, on, off, source, ruleId, experiment?, experimentResult?}}, \"problems\": [{feature, problem}], \"sticky\"?: [{attributeName, attributeValue, assignments}]}."
    )]
    Evaluate {
        /// The payload; `-` for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Attributes as a JSON object; go before those of FILE, one by one
        #[arg(long, value_name = "JSON")]
        attributes: Option<String>,
        /// Only this flag; may be given again
        #[arg(long = "feature", value_name = "KEY")]
        features: Vec<String>,
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Runs a command, and gives what the process ends with.
///
/// # Errors
/// Wrong use, or input that cannot be read.
pub fn run(command: CxCommand) -> anyhow::Result<ExitCode> {
    let CxCommand::Evaluate { file, attributes, features, json } = command;
    let written = read(&file)?;
    let payload = Payload::new(&written).with_context(|| file.display().to_string())?;
    let context = context(&written, attributes.as_deref())?;
    let keys = if features.is_empty() { payload.features.keys().cloned().collect() } else { features };
    let mut evaluator = Evaluator::new(&payload, &context);
    let evaluations: Vec<_> = keys.iter().map(|key| (key.as_str(), evaluator.feature(key))).collect();
    let problems: Vec<(&str, String)> = keys
        .iter()
        .flat_map(|key| {
            let problems = payload.features.get(key).map_or_else(
                || vec!["there is no such flag".to_owned()],
                septet_cx::flag::feature::Feature::problems,
            );
            problems.into_iter().map(move |problem| (key.as_str(), problem))
        })
        .collect();
    let text = if json {
        let all: Map<String, Value> =
            evaluations.iter().map(|(key, of)| ((*key).to_owned(), evaluation(key, of))).collect();
        let told: Vec<Value> =
            problems.iter().map(|(key, problem)| json!({ "feature": key, "problem": problem })).collect();
        let mut document = json!({ "evaluations": all, "problems": told });
        if let Some(sticky) = evaluator.sticky() {
            document["sticky"] = serde_json::to_value(sticky.docs().collect::<Vec<_>>())?;
        }
        format!("{document:#}\n")
    } else {
        let mut text = String::new();
        let width = keys.iter().map(|key| key.chars().count()).max().unwrap_or(0).clamp(4, 48);
        for (key, of) in &evaluations {
            writeln!(
                text,
                "{:width$}  {:VALUE$}  {}",
                fit(key, width),
                fit(&of.value.to_string(), VALUE),
                fit(&why(of), 120)
            )?;
        }
        if evaluations.is_empty() {
            text.push_str("no flags\n");
        }
        for (key, problem) in &problems {
            writeln!(text, "problem: {}: {}", fit(key, width), fit(problem, 200))?;
        }
        text
    };
    print(&text)?;
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let mut bytes = Vec::new();
    let name = file.display();
    let taken = if file.as_os_str() == "-" {
        io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
    };
    taken.with_context(|| format!("{name} cannot be read"))?;
    if bytes.len() as u64 > MAX_FILE {
        bail!("{name} has more than {MAX_FILE} bytes");
    }
    serde_json::from_slice(&bytes).with_context(|| format!("{name} is not JSON"))
}

fn context(written: &Value, attributes: Option<&str>) -> anyhow::Result<Context> {
    let mut all: Map<String, Value> = part(written, "attributes")?;
    if let Some(given) = attributes {
        let given: Value = serde_json::from_str(given).context("--attributes is not JSON")?;
        let Value::Object(given) = given else { bail!("--attributes is not a JSON object") };
        all.extend(given);
    }
    let sticky = match written.get("stickyBucketAssignmentDocs") {
        None | Some(Value::Null) => None,
        // SDKs keep them by name, and some write a list.
        Some(Value::Object(docs)) => Some(sticky(docs.values(), &all)?),
        Some(Value::Array(docs)) => Some(sticky(docs.iter(), &all)?),
        Some(_) => bail!("`stickyBucketAssignmentDocs` is neither an object nor a list"),
    };
    Ok(Context {
        forced_variations: part(written, "forcedVariations")?,
        url: part(written, "url")?,
        qa_mode: part(written, "qaMode")?,
        enabled: written.get("enabled") != Some(&Value::Bool(false)),
        sticky,
        ..Context::new(all)
    })
}

fn sticky<'a>(
    docs: impl Iterator<Item = &'a Value>,
    attributes: &Map<String, Value>,
) -> anyhow::Result<Sticky> {
    let docs: Vec<StickyDoc> = docs
        .map(|doc| serde_json::from_value(doc.clone()))
        .collect::<Result<_, _>>()
        .context("`stickyBucketAssignmentDocs` cannot be read")?;
    Ok(Sticky::new(docs, attributes))
}

fn part<T: Default + serde::de::DeserializeOwned>(written: &Value, name: &str) -> anyhow::Result<T> {
    match written.get(name) {
        None | Some(Value::Null) => Ok(T::default()),
        Some(value) => {
            serde_json::from_value(value.clone()).with_context(|| format!("`{name}` cannot be read"))
        }
    }
}

fn evaluation(key: &str, of: &Evaluated) -> Value {
    let mut written = json!({
        "value": of.value, "on": of.is_on(), "off": !of.is_on(), "source": of.source, "ruleId": of.rule_id,
    });
    if let Some((experiment, assigned)) = &of.experiment {
        written["experiment"] = json!(experiment);
        written["experimentResult"] = assigned.to_json(key);
    }
    written
}

fn why(of: &Evaluated) -> String {
    let rule = if of.rule_id.is_empty() { String::new() } else { format!(" (rule {})", of.rule_id) };
    let why = match (of.source, &of.experiment) {
        (Source::UnknownFeature, _) => "there is no such flag".to_owned(),
        (Source::DefaultValue, _) => "default: no rule applies".to_owned(),
        (Source::Force, _) => "forced by a rule".to_owned(),
        (Source::Prerequisite, _) => "a flag that it requires is not as it must be".to_owned(),
        (Source::CyclicPrerequisite, _) => "flags require each other".to_owned(),
        (Source::Experiment, None) => "experiment".to_owned(),
        (Source::Experiment, Some((key, assigned))) => {
            let by = match assigned.bucket {
                Some(bucket) if assigned.sticky_bucket_used => format!("kept, hash {bucket}"),
                Some(bucket) => format!("hash {bucket} of {}", assigned.hash_attribute),
                None => "forced".to_owned(),
            };
            format!("experiment {key}, variation {}: {by}", assigned.key)
        }
    };
    format!("{why}{rule}")
}
