use septet_chassis::contract::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    definition::{Action, Http, Process, Wait},
    expression::{ExpressionError, Scope, Template},
};

/// What a task asks for, with nothing left to fill in.
pub(crate) enum Order {
    Http(HttpOrder),
    Grpc { service: String, path: String, body: Value },
    Process(ProcessOrder),
    Transform { input: Value, filter: String },
    Publish(Emitted),
    Wait(Awaited),
}

pub(crate) struct HttpOrder {
    pub url: String,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
    pub expect: Vec<u16>,
}

pub(crate) struct ProcessOrder {
    pub commands: Vec<Vec<String>>,
    /// Id of a change.
    pub checkout: Option<String>,
    pub directory: Option<String>,
    pub env: Vec<(String, String)>,
}

/// A fact to publish.
#[derive(Clone)]
pub(crate) struct Emitted {
    pub event: String,
    /// Empty: the run.
    pub key: String,
    pub data: Map<String, Value>,
}

impl Emitted {
    pub fn result(&self) -> Value {
        json!({ "event": self.event, "key": self.key })
    }
}

/// What is waited for.
pub(crate) enum Awaited {
    /// Microseconds since the epoch.
    Time(i64),
    /// Full name of the event type.
    Event(String),
}

/// Fills in what an action leaves open.
pub(crate) fn order(action: &Action, scope: &Scope, now: Timestamp) -> Result<Order, ExpressionError> {
    Ok(match action {
        Action::Http(http) => Order::Http(http_order(http, scope)?),
        Action::Grpc { service, path, body } => {
            Order::Grpc { service: service.clone(), path: path.clone(), body: body.render(scope)? }
        }
        Action::Process(process) => Order::Process(process_order(process, scope)?),
        Action::Transform { input, filter } => {
            Order::Transform { input: input.render(scope)?, filter: filter.clone() }
        }
        Action::Publish { event, key, data } => {
            let Value::Object(data) = data.render(scope)? else {
                return Err(ExpressionError("publish.data is no object".to_owned()));
            };
            let key = key.as_ref().map(|key| key.render_text(scope)).transpose()?.unwrap_or_default();
            if key.len() > 256 {
                return Err(ExpressionError("publish.key is longer than 256 bytes".to_owned()));
            }
            Order::Publish(Emitted { event: event.clone(), key, data })
        }
        Action::Wait(Wait::For(span)) => Order::Wait(Awaited::Time(now.after(*span).micros())),
        Action::Wait(Wait::Until(until)) => {
            let time = Timestamp::parse_rfc3339(&until.render_text(scope)?).ok_or_else(|| {
                ExpressionError("wait.until is no time such as 2026-01-31T12:00:00Z".to_owned())
            })?;
            Order::Wait(Awaited::Time(time.micros()))
        }
        Action::Wait(Wait::Event { event_type, .. }) => Order::Wait(Awaited::Event(event_type.clone())),
    })
}

fn http_order(http: &Http, scope: &Scope) -> Result<HttpOrder, ExpressionError> {
    Ok(HttpOrder {
        url: http.url.render_text(scope)?,
        method: http.method.clone(),
        headers: texts(&http.headers, scope)?,
        body: http.body.as_ref().map(|body| body.render(scope)).transpose()?,
        expect: http.expect.clone(),
    })
}

fn process_order(process: &Process, scope: &Scope) -> Result<ProcessOrder, ExpressionError> {
    let words = |argv: &Vec<Template>| argv.iter().map(|word| word.render_text(scope)).collect();
    Ok(ProcessOrder {
        commands: process.commands.iter().map(words).collect::<Result<_, _>>()?,
        checkout: process.checkout.as_ref().map(|of| of.render_text(scope)).transpose()?,
        directory: process.directory.as_ref().map(|of| of.render_text(scope)).transpose()?,
        env: texts(&process.env, scope)?,
    })
}

fn texts(texts: &[(String, Template)], scope: &Scope) -> Result<Vec<(String, String)>, ExpressionError> {
    texts.iter().map(|(name, text)| Ok((name.clone(), text.render_text(scope)?))).collect()
}
