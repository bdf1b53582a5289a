//! The document as it is written.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub inputs: IndexMap<String, InputForm>,
    #[serde(default)]
    pub triggers: Vec<TriggerForm>,
    pub timeout: Option<String>,
    pub tasks: IndexMap<String, TaskForm>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct InputForm {
    pub description: String,
    pub default: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TriggerForm {
    pub event: String,
    pub when: Option<String>,
    #[serde(default)]
    pub inputs: IndexMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TaskForm {
    pub needs: Vec<String>,
    pub after: AfterForm,
    pub when: Option<String>,
    pub retry: Option<RetryForm>,
    pub timeout: Option<String>,
    pub allow_failure: bool,
    pub outputs: Option<IndexMap<String, Value>>,
    pub http: Option<HttpForm>,
    pub grpc: Option<GrpcForm>,
    pub process: Option<ProcessForm>,
    pub transform: Option<TransformForm>,
    pub publish: Option<PublishForm>,
    pub wait: Option<WaitForm>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AfterForm {
    #[default]
    Success,
    Failure,
    Always,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryForm {
    pub attempts: u32,
    pub backoff: Option<String>,
    pub max_backoff: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpForm {
    pub url: String,
    pub method: Option<String>,
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    pub body: Option<Value>,
    #[serde(default)]
    pub expect: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrpcForm {
    pub call: String,
    pub body: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProcessForm {
    pub argv: Option<Vec<String>>,
    pub commands: Option<Vec<Vec<String>>>,
    pub checkout: Option<String>,
    pub directory: Option<String>,
    #[serde(default)]
    pub env: IndexMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransformForm {
    pub input: Option<Value>,
    pub filter: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishForm {
    pub event: String,
    pub key: Option<String>,
    pub data: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitForm {
    #[serde(rename = "for")]
    pub span: Option<String>,
    pub until: Option<String>,
    pub event: Option<String>,
    pub when: Option<String>,
}
