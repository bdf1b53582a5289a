//! A pipeline in the contract's words.

use septet_proto_devops::v1::{self, GeneratePipelineResponse, PipelineJobKind};

use super::{Action, Generated, Job, JobKind};

/// The pipeline as it is sent, and printed as JSON.
#[must_use]
pub fn reply(generated: &Generated) -> GeneratePipelineResponse {
    let files = generated.files.iter();
    GeneratePipelineResponse {
        pipeline: Some(v1::Pipeline {
            jobs: generated.pipeline.jobs.iter().map(job).collect(),
            notes: generated.pipeline.notes.clone(),
        }),
        files: files
            .map(|file| v1::GeneratedFile { path: file.path.to_owned(), content: file.content.clone() })
            .collect(),
    }
}

fn job(job: &Job) -> v1::PipelineJob {
    let kind = match job.kind {
        JobKind::Cache => PipelineJobKind::Cache,
        JobKind::Test => PipelineJobKind::Test,
        JobKind::Build => PipelineJobKind::Build,
        JobKind::Scan => PipelineJobKind::Scan,
        JobKind::Deploy => PipelineJobKind::Deploy,
    };
    // What is the platform's to do is no command.
    let steps = job.steps.iter().filter_map(|step| match &step.action {
        Action::Run(run) => Some(v1::PipelineStep { name: step.name.to_owned(), run: run.clone() }),
        Action::GetSeptet | Action::SignIn | Action::ReachCluster => None,
    });
    let servers = job.servers.iter();
    let tools = job.tools.clone();
    v1::PipelineJob {
        id: job.id.clone(),
        name: job.name.clone(),
        kind: kind.into(),
        needs: job.needs.clone(),
        directory: job.directory.clone(),
        stack: tools.as_ref().map(|tools| tools.stack.clone()).unwrap_or_default(),
        version: tools.and_then(|tools| tools.version).unwrap_or_default(),
        steps: steps.collect(),
        services: servers
            .map(|server| v1::PipelineService {
                name: server.name.clone(),
                image: server.image.clone(),
                port: server.port.into(),
            })
            .collect(),
        timeout_minutes: job.timeout_minutes,
        writes: job.writes.iter().map(|scope| (*scope).to_owned()).collect(),
    }
}
