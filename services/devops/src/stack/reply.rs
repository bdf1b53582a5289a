//! An analysis in the contract's words.

use septet_proto_devops::v1::{self, ClaimKind, CommandTask, StackAnalysis};

use super::{Analysis, Claim, Component, Fact, Task};

/// The analysis as it is sent, and printed as JSON.
#[must_use]
pub fn reply(analysis: &Analysis) -> StackAnalysis {
    let left_out = analysis.left_out.iter();
    StackAnalysis {
        components: analysis.components.iter().map(component).collect(),
        files: count(analysis.files),
        bytes: analysis.bytes,
        files_read: count(analysis.files_read),
        left_out: left_out
            .map(|left| v1::LeftOut { path: left.path.clone(), reason: left.reason.clone() })
            .collect(),
        rules_version: analysis.rules_version.clone(),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn component(component: &Component) -> v1::Component {
    v1::Component {
        path: component.path.clone(),
        stacks: component.stacks.iter().cloned().collect(),
        member_of: component.member_of.iter().cloned().collect(),
        example: component.example,
        claims: component.claims.iter().map(claim).collect(),
    }
}

fn claim(claim: &Claim) -> v1::Claim {
    let evidence = claim.evidence.iter();
    let mut said = v1::Claim {
        version: claim.fact.version().unwrap_or_default().to_owned(),
        stack: claim.stack.clone(),
        confidence: claim.confidence.into(),
        evidence: evidence
            .map(|piece| v1::Evidence {
                path: piece.path.clone(),
                line: piece.line,
                rule: piece.rule.clone(),
            })
            .collect(),
        ..Default::default()
    };
    let (kind, name) = match &claim.fact {
        Fact::Language { name, files, bytes } => {
            (said.files, said.bytes) = (*files, *bytes);
            (ClaimKind::Language, name.clone())
        }
        Fact::PackageManager { name, .. } => (ClaimKind::PackageManager, name.clone()),
        Fact::Framework { name, .. } => (ClaimKind::Framework, name.clone()),
        Fact::Command { task, run } => {
            said.run.clone_from(run);
            said.task = self::task(*task).into();
            (ClaimKind::Command, String::new())
        }
        Fact::Runtime { name, .. } => (ClaimKind::Runtime, name.clone()),
        Fact::Port { number } => {
            said.port = (*number).into();
            (ClaimKind::Port, String::new())
        }
        Fact::Service { name, .. } => (ClaimKind::Service, name.clone()),
        Fact::Container { path } => (ClaimKind::Container, path.clone()),
        Fact::Chart { path } => (ClaimKind::Chart, path.clone()),
        Fact::Infrastructure { name } => (ClaimKind::Infrastructure, name.clone()),
    };
    said.kind = kind.into();
    said.name = name;
    said
}

fn task(task: Task) -> CommandTask {
    match task {
        Task::Install => CommandTask::Install,
        Task::Lint => CommandTask::Lint,
        Task::Build => CommandTask::Build,
        Task::Test => CommandTask::Test,
    }
}
