use futures_util::stream::BoxStream;
use septet_chassis::{Identity, RequestKey, contract::Message, page_size};
use septet_proto_common::v1::PageResponse;
use septet_proto_soc::v1::{
    AlertClosed, AlertState, CloseAlertRequest, CloseAlertResponse, GetAlertRequest, GetAlertResponse,
    GetAssessmentRequest, GetAssessmentResponse, IngestRequest, IngestResponse, ListAlertsRequest,
    ListAlertsResponse, ListRulesRequest, ListRulesResponse, LogSource, Rule, RuleState, WatchAlertsRequest,
    WatchAlertsResponse, soc_service_server::SocService,
};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    Soc,
    alert::severity,
    error::Error,
    sigma::{Loaded, Rejected},
    store::{self, AlertsFilter},
};

#[tonic::async_trait]
impl SocService for Soc {
    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        let request = request.into_inner();
        let (state, min_level) = (request.state(), request.min_level());
        let page = request.page.unwrap_or_default();
        let size = page_size(&page)?;
        let before = token(&page.page_token)?.unwrap_or(i64::MAX);
        let filter = AlertsFilter {
            repository_id: request.repository_id,
            change_id: request.change_id,
            rule_id: request.rule_id,
            state,
            min_level,
        };
        let mut tx = self.units.read().await.map_err(Error::from)?;
        // One more than asked for tells whether there is another page.
        let mut alerts = store::list_alerts(&mut tx, &filter, before, size + 1).await.map_err(Error::from)?;
        let more = alerts.len() > size as usize;
        alerts.truncate(size as usize);
        let last = alerts.last().filter(|_| more);
        let next_page_token = last.map_or_else(String::new, |(number, _)| number.to_string());
        Ok(Response::new(ListAlertsResponse {
            alerts: alerts.into_iter().map(|(_, alert)| alert).collect(),
            page: Some(PageResponse { next_page_token }),
        }))
    }

    async fn get_alert(
        &self,
        request: Request<GetAlertRequest>,
    ) -> Result<Response<GetAlertResponse>, Status> {
        let id = request.into_inner().alert_id;
        required("alert_id", &id, 64)?;
        let mut tx = self.units.read().await.map_err(Error::from)?;
        let alert = store::alert(&mut tx, &id).await.map_err(Error::from)?.ok_or(Error::UnknownAlert)?;
        Ok(Response::new(GetAlertResponse { alert: Some(alert) }))
    }

    type WatchAlertsStream = BoxStream<'static, Result<WatchAlertsResponse, Status>>;

    async fn watch_alerts(
        &self,
        request: Request<WatchAlertsRequest>,
    ) -> Result<Response<Self::WatchAlertsStream>, Status> {
        let request = request.into_inner();
        let min_level = request.min_level();
        Ok(Response::new(self.live(request.repository_id, min_level, request.include_existing).await?))
    }

    async fn close_alert(
        &self,
        request: Request<CloseAlertRequest>,
    ) -> Result<Response<CloseAlertResponse>, Status> {
        let caller = request
            .extensions()
            .get::<Identity>()
            .map_or_else(String::new, |identity| identity.subject.to_string());
        let request = request.into_inner();
        limited("request_id", &request.request_id, 64)?;
        required("alert_id", &request.alert_id, 64)?;
        limited("reason", &request.reason, 1_000)?;
        Ok(Response::new(self.close(&request, &caller).await?))
    }

    async fn get_assessment(
        &self,
        request: Request<GetAssessmentRequest>,
    ) -> Result<Response<GetAssessmentResponse>, Status> {
        let id = request.into_inner().change_id;
        required("change_id", &id, 64)?;
        let mut tx = self.units.read().await.map_err(Error::from)?;
        let assessment = store::assessment(&mut tx, &id).await.map_err(Error::from)?;
        let assessment = assessment.ok_or(Error::UnknownChange)?;
        Ok(Response::new(GetAssessmentResponse { assessment: Some(assessment) }))
    }

    async fn list_rules(
        &self,
        request: Request<ListRulesRequest>,
    ) -> Result<Response<ListRulesResponse>, Status> {
        let request = request.into_inner();
        let state = request.state();
        let page = request.page.unwrap_or_default();
        let size = page_size(&page)? as usize;
        let start = usize::try_from(token(&page.page_token)?.unwrap_or(0)).unwrap_or(usize::MAX);
        let rules = self.detector.rules();
        let live = rules.rules().iter().map(live_rule);
        let rejected = rules.rejected().iter().map(rejected_rule);
        let mut all: Vec<Rule> = live.chain(rejected).collect();
        all.retain(|rule| state == RuleState::Unspecified || rule.state() == state);
        all.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        let end = start.saturating_add(size);
        let next_page_token = if end < all.len() { end.to_string() } else { String::new() };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Response::new(ListRulesResponse {
            rules: all.into_iter().skip(start).take(size).collect(),
            page: Some(PageResponse { next_page_token }),
            live: count(rules.rules().len()),
            rejected: count(rules.rejected().len()),
        }))
    }

    async fn ingest(
        &self,
        request: Request<Streaming<IngestRequest>>,
    ) -> Result<Response<IngestResponse>, Status> {
        Ok(Response::new(self.take(request.into_inner()).await?))
    }
}

impl Soc {
    async fn close(&self, request: &CloseAlertRequest, caller: &str) -> Result<CloseAlertResponse, Error> {
        let key = RequestKey::new(CloseAlertRequest::TYPE, caller, &request.request_id, request);
        let mut cx = self.units.begin(Default::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let now = cx.now();
        let mut alert =
            store::alert_to_close(cx.tx().await?, &request.alert_id).await?.ok_or(Error::UnknownAlert)?;
        if alert.state() != AlertState::Closed {
            alert.set_state(AlertState::Closed);
            alert.closed_by = caller.to_owned();
            alert.closed_time = Some(now.into());
            alert.close_reason.clone_from(&request.reason);
            store::close(cx.tx().await?, &alert).await?;
            cx.publish(&AlertClosed { alert_id: alert.id.clone(), alert: Some(alert.clone()) })?;
        }
        let reply = CloseAlertResponse { alert: Some(alert) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        self.tell();
        Ok(reply)
    }
}

fn live_rule(loaded: &Loaded) -> Rule {
    let rule = &loaded.rule;
    Rule {
        id: rule.id.clone(),
        title: rule.title.clone(),
        level: severity(rule.level).into(),
        logsource: Some(LogSource {
            product: rule.logsource.product.clone(),
            service: rule.logsource.service.clone(),
            category: rule.logsource.category.clone(),
        }),
        state: RuleState::Live.into(),
        file: loaded.file.to_string(),
        line: rule.line,
        reason: String::new(),
        tags: rule.tags.clone(),
        description: rule.description.clone(),
    }
}

fn rejected_rule(rejected: &Rejected) -> Rule {
    Rule {
        id: rejected.id.clone(),
        title: rejected.title.clone(),
        state: RuleState::Rejected.into(),
        file: rejected.file.to_string(),
        line: rejected.error.line,
        reason: rejected.error.reason.clone(),
        ..Rule::default()
    }
}

/// The number that a page token is; `None` for the first page.
fn token(text: &str) -> Result<Option<i64>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| *number >= 0);
    let number =
        number.ok_or_else(|| Error::invalid("page.page_token", "is not one that this service gave out"))?;
    Ok(Some(number))
}

fn required(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.is_empty() { Err(Error::invalid(field, "is missing")) } else { limited(field, text, limit) }
}

fn limited(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.len() > limit {
        Err(Error::invalid(field, format!("is longer than {limit} bytes")))
    } else {
        Ok(())
    }
}
