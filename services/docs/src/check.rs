//! The check of one change, from the trees of the change and its parent to what is published.

use septet_chassis::Cx;
use septet_proto_common::v1::Verdict;
use septet_proto_devops::v1::GetTreeRequest;
use septet_proto_docs::v1::{ApiExtracted, DocsCheck, DocsChecked};

use crate::{
    Docs,
    compare::{self, Difference},
    convert,
    coverage::{self, Coverage},
    error::Error,
    gate::{Effects, Judgement},
    snapshot::{Known, Snapshot},
    stale::{self, StaleMention},
    store::{self, Checked, CoverageRow},
};

/// Mentions that are kept for a change.
const MAX_MENTIONS: usize = 1_000;

/// What is checked.
pub(crate) struct Subject {
    pub change_id: String,
    pub repository_id: String,
    pub repository_name: String,
    pub commit: String,
}

/// What the check of a change found.
pub(crate) struct Examined {
    differences: Vec<Difference>,
    stale: Vec<StaleMention>,
    coverage: Coverage,
    judgement: Judgement,
    symbols: u32,
    unread: Vec<(String, String)>,
    read: u32,
}

impl Docs {
    /// Reads and compares a change and its parent.
    pub(crate) async fn examine(&self, subject: &Subject, has_parent: bool) -> Result<Examined, Error> {
        let request = GetTreeRequest { change_id: subject.change_id.clone(), ..Default::default() };
        let mut known = Known::new();
        let head = self.snapshots.of(&subject.repository_id, request.clone(), &mut known).await?;
        let base = if has_parent {
            let request = GetTreeRequest { of_parent: true, ..request };
            self.snapshots.of(&subject.repository_id, request, &mut known).await?
        } else {
            Snapshot::default()
        };
        let gate = self.config.gate;
        self.snapshots.busy(move || examine(&gate, &base, &head)).await
    }

    /// Keeps and publishes what was found.
    pub(crate) async fn conclude(&self, cx: &mut Cx, subject: Subject, of: Examined) -> Result<(), Error> {
        let breaking = of.differences.iter().filter(|difference| difference.breaking).count();
        let mut pages: Vec<&str> = of.stale.iter().map(|mention| mention.page.as_str()).collect();
        pages.dedup();
        let check = DocsCheck {
            breaking: number(breaking),
            stale_pages: number(pages.len()),
            ..self.verdict(cx, &subject, of.judgement.passed, of.judgement.reason.clone())
        };
        let checked = Checked { change_id: subject.change_id.clone(), check, measured: true };
        if !store::save(cx.tx().await?, &checked).await? {
            return Ok(());
        }
        store::keep_coverage(cx.tx().await?, &subject.change_id, &rows(&of.coverage)).await?;
        store::keep_mentions(cx.tx().await?, &subject.change_id, &of.stale).await?;
        let languages = of.coverage.languages.iter();
        cx.publish(&ApiExtracted {
            change_id: subject.change_id.clone(),
            repository_id: subject.repository_id,
            repository_name: subject.repository_name,
            commit: subject.commit,
            coverage: languages
                .map(|(language, count)| convert::coverage(Some(*language), "", *count))
                .collect(),
            symbols: of.symbols,
            unread: convert::unread(&of.unread),
            unread_total: number(of.unread.len()),
            files_read: of.read,
        })?;
        cx.publish(&DocsChecked { change_id: subject.change_id, check: Some(checked.check) })?;
        Ok(())
    }

    /// The answer for a change that touches nothing of an API.
    pub(crate) async fn nothing_to_check(&self, cx: &mut Cx, subject: Subject) -> Result<(), Error> {
        let reason = "no file of a language that is read, and no Markdown page, changed";
        let check = self.verdict(cx, &subject, true, reason.to_owned());
        self.publish_alone(cx, subject, check).await
    }

    /// The answer for a change that could not be read: the gate stays shut.
    pub(crate) async fn unreadable(&self, cx: &mut Cx, subject: Subject, why: &str) -> Result<(), Error> {
        let check = self.verdict(cx, &subject, false, format!("not checked: {why}"));
        self.publish_alone(cx, subject, check).await
    }

    async fn publish_alone(&self, cx: &mut Cx, subject: Subject, check: DocsCheck) -> Result<(), Error> {
        let checked = Checked { change_id: subject.change_id, check, measured: false };
        if store::save(cx.tx().await?, &checked).await? {
            cx.publish(&DocsChecked { change_id: checked.change_id, check: Some(checked.check) })?;
        }
        Ok(())
    }

    fn verdict(&self, cx: &Cx, subject: &Subject, passed: bool, reason: String) -> DocsCheck {
        let verdict = if passed { Verdict::Passed } else { Verdict::Failed };
        DocsCheck {
            repository_id: subject.repository_id.clone(),
            repository_name: subject.repository_name.clone(),
            commit: subject.commit.clone(),
            verdict: verdict.into(),
            reason,
            time: Some(cx.now().into()),
            breaking: 0,
            stale_pages: 0,
        }
    }
}

fn examine(gate: &crate::gate::Gate, base: &Snapshot, head: &Snapshot) -> Examined {
    let differences = compare::differences(&base.api, &head.api);
    let mut stale = stale::mentions(&differences, &base.files, &head.files, &head.api);
    stale.truncate(MAX_MENTIONS);
    let coverage = coverage::of(&head.api);
    let touched: Vec<String> = head
        .blobs
        .iter()
        .filter(|(path, blob)| base.blobs.get(*path) != Some(*blob))
        .map(|(path, _)| path.clone())
        .collect();
    let symbols = number(head.api.public().count());
    let judgement = if base.api.symbols.is_empty() && symbols == 0 && differences.is_empty() {
        Judgement { passed: true, reason: "no public API in a language that is read".to_owned() }
    } else {
        gate.judge(&Effects {
            differences: &differences,
            stale: &stale,
            coverage: coverage.total,
            head: &head.files,
            touched: &touched,
        })
    };
    Examined {
        differences,
        stale,
        coverage,
        judgement,
        symbols,
        unread: head.unread.clone(),
        read: head.read + base.read,
    }
}

fn rows(coverage: &Coverage) -> Vec<CoverageRow> {
    let row = |language, file: &str, count: &coverage::Count| CoverageRow {
        language: i64::from(convert::language(language) as i32),
        file: file.to_owned(),
        symbols: i64::from(count.symbols),
        documented: i64::from(count.documented),
    };
    let languages = coverage.languages.iter().map(|(language, count)| row(*language, "", count));
    let files = coverage.files.iter().map(|((language, file), count)| row(*language, file, count));
    languages.chain(files).collect()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
