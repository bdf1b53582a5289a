use prost_types::Struct;
use septet_chassis::{
    RequestKey,
    contract::{Cause, Message, Timestamp},
};
use septet_proto_cx::v1::{
    ArchiveFeatureRequest, ArchiveFeatureResponse, Feature, GetFeatureRequest, GetFeatureResponse,
    ListFeaturesResponse, PutFeatureRequest, PutFeatureResponse, PutSavedGroupRequest, PutSavedGroupResponse,
};
use serde_json::Value;

use super::fields::{self, Page};
use crate::{
    Experience,
    error::Error,
    flag::feature,
    json,
    store::{self, FeatureRow},
};

/// Bytes of a definition and of a group as JSON.
const MAX_DEFINITION: usize = 256 << 10;
const MAX_GROUP: usize = 1 << 20;
/// Problems of a definition that are told of.
const PROBLEMS: usize = 5;

impl Experience {
    pub(super) async fn put(
        &self,
        caller: &str,
        request: PutFeatureRequest,
    ) -> Result<PutFeatureResponse, Error> {
        fields::request_id(&request.request_id)?;
        fields::key("key", &request.key)?;
        fields::text("description", &request.description, 1_000)?;
        let key = RequestKey::new(PutFeatureRequest::TYPE, caller, &request.request_id, &request);
        let definition = definition(request.definition)?;
        let mut cx = self.units.begin(Cause::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let now = cx.now();
        let tx = cx.tx().await?;
        store::change_catalog(tx).await?;
        if request.replaces_version != 0 {
            let version = store::feature(tx, &request.key).await?.map_or(0, |row| row.version);
            if u64::try_from(version).ok() != Some(request.replaces_version) {
                return Err(Error::Version(u64::try_from(version).unwrap_or(0)));
            }
        }
        let row = store::put_feature(tx, &request.key, &request.description, &definition, now).await?;
        let reply = PutFeatureResponse { feature: Some(message(row)) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }

    pub(super) async fn get(&self, request: GetFeatureRequest) -> Result<GetFeatureResponse, Error> {
        fields::key("key", &request.key)?;
        let row = store::feature(&mut self.units.read().await?, &request.key).await?;
        let row = row.ok_or(Error::NotFound { what: "flag", id: request.key })?;
        Ok(GetFeatureResponse { feature: Some(message(row)) })
    }

    pub(super) async fn features(&self, archived: bool, page: &Page) -> Result<ListFeaturesResponse, Error> {
        let mut tx = self.units.read().await?;
        let mut rows = store::list_features(&mut tx, archived, &page.after, page.size + 1).await?;
        let next = fields::cut(&mut rows, page, |row| &row.key);
        Ok(ListFeaturesResponse { features: rows.into_iter().map(message).collect(), page: Some(next) })
    }

    pub(super) async fn archive(
        &self,
        caller: &str,
        request: ArchiveFeatureRequest,
    ) -> Result<ArchiveFeatureResponse, Error> {
        fields::request_id(&request.request_id)?;
        fields::key("key", &request.key)?;
        let key = RequestKey::new(ArchiveFeatureRequest::TYPE, caller, &request.request_id, &request);
        let mut cx = self.units.begin(Cause::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let now = cx.now();
        let tx = cx.tx().await?;
        store::change_catalog(tx).await?;
        let row = store::archive_feature(tx, &request.key, now).await?;
        let row = row.ok_or(Error::NotFound { what: "flag", id: request.key })?;
        let reply = ArchiveFeatureResponse { feature: Some(message(row)) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }

    pub(super) async fn put_group(
        &self,
        caller: &str,
        request: PutSavedGroupRequest,
    ) -> Result<PutSavedGroupResponse, Error> {
        fields::request_id(&request.request_id)?;
        fields::key("id", &request.id)?;
        let key = RequestKey::new(PutSavedGroupRequest::TYPE, caller, &request.request_id, &request);
        let members = json::from_list("members", request.members.unwrap_or_default())?;
        if !members.iter().all(|member| member.is_string() || member.is_number()) {
            return Err(Error::invalid("members", "are neither texts nor numbers"));
        }
        let reply = PutSavedGroupResponse { members: u32::try_from(members.len()).unwrap_or(u32::MAX) };
        let members = Value::Array(members);
        json::within("members", &members, MAX_GROUP)?;
        let mut cx = self.units.begin(Cause::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let tx = cx.tx().await?;
        store::change_catalog(tx).await?;
        store::put_saved_group(tx, &request.id, &members.to_string()).await?;
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }
}

/// The definition as JSON, if it does what it says.
fn definition(written: Option<Struct>) -> Result<String, Error> {
    let written = written.ok_or_else(|| Error::invalid("definition", "is missing"))?;
    let written = Value::Object(json::bounded("definition", written, MAX_DEFINITION)?);
    let feature = feature::Feature::new(&written).map_err(Error::Definition)?;
    let problems = feature.problems();
    if !problems.is_empty() {
        let more = problems.len().saturating_sub(PROBLEMS);
        let told: Vec<String> = problems.into_iter().take(PROBLEMS).collect();
        let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
        return Err(Error::Definition(format!("{}{rest}", told.join("; "))));
    }
    Ok(written.to_string())
}

fn message(row: FeatureRow) -> Feature {
    // It was read when it was put.
    let definition: Value = serde_json::from_str(&row.definition).unwrap_or_default();
    Feature {
        key: row.key,
        description: row.description,
        definition: definition.as_object().map(json::to_struct),
        version: u64::try_from(row.version).unwrap_or(0),
        archived: row.archived != 0,
        create_time: Some(Timestamp::from_micros(row.created_at).into()),
        update_time: Some(Timestamp::from_micros(row.updated_at).into()),
    }
}
