//! What services could not take, and what to do about it.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use septet_proto_common::v1::{
    DeadLetter, DeadLetterState, DiscardDeadLetterRequest, GetDeadLetterRequest, GetDeadLetterResponse,
    ListDeadLettersRequest, PageRequest, RedriveDeadLetterRequest, admin_service_client::AdminServiceClient,
};
use serde::Deserialize;
use tonic::{Code, Status};

use super::{Console, answer, format::Moment, part::ask, record, row::line};
use crate::text::count;

/// Dead letters of a page.
const LETTERS: u32 = 50;

/// Which dead letters.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    state: Fate,
    #[serde(default)]
    page: String,
}

/// What has become of them.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Fate {
    #[default]
    Open,
    Redriven,
    Discarded,
}

impl Fate {
    const ALL: [Self; 3] = [Self::Open, Self::Redriven, Self::Discarded];

    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Redriven => "redriven",
            Self::Discarded => "discarded",
        }
    }
}

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct List {
    states: [Fate; 3],
    state: Fate,
    letters: Vec<Line>,
    problem: Option<String>,
    older: String,
}

/// A dead letter in the list.
struct Line {
    id: String,
    service: String,
    origin: String,
    reason: String,
    error: String,
    time: Moment,
}

#[derive(Template)]
#[template(path = "dead_letter.html")]
struct Page {
    letter: String,
}

/// The part of the page that a decision changes.
#[derive(Template)]
#[template(path = "letter.html")]
struct Letter {
    line: Line,
    state: &'static str,
    open: bool,
    kind: String,
    lane: String,
    attempts: String,
    decided_by: String,
    decided: Moment,
    key: String,
    headers: Vec<(String, String)>,
    value: String,
    whole: bool,
    size: String,
    /// The value, where it can be mended here.
    mendable: Option<String>,
    /// Why the last decision could not be carried out.
    problem: Option<String>,
}

/// How to redrive.
#[derive(Deserialize)]
pub struct Redrive {
    /// The value to send in the place of the record's.
    value: Option<String>,
    /// There where the page said that it was decided on before.
    again: Option<String>,
}

/// All of them.
pub async fn list(State(console): State<Console>, Query(wanted): Query<Wanted>) -> Response {
    let state = match wanted.state {
        Fate::Open => DeadLetterState::Open,
        Fate::Redriven => DeadLetterState::Redriven,
        Fate::Discarded => DeadLetterState::Discarded,
    };
    let request = ListDeadLettersRequest {
        service: String::new(),
        state: state.into(),
        page: Some(PageRequest { page_size: LETTERS, page_token: wanted.page }),
    };
    let mut admin = AdminServiceClient::new(console.channel.clone());
    let (letters, older, problem) = match ask(admin.list_dead_letters(request)).await {
        Ok(reply) => {
            let older = reply.page.unwrap_or_default().next_page_token;
            (reply.dead_letters.iter().map(Line::of).collect(), older, None)
        }
        Err(status) => (Vec::new(), String::new(), Some(line(status.message()))),
    };
    let list = List { states: Fate::ALL, state: wanted.state, letters, problem, older };
    answer::page(StatusCode::OK, &list)
}

/// One with its record.
pub async fn page(State(console): State<Console>, Path(id): Path<String>) -> Response {
    match console.letter(&id, None).await {
        Ok(letter) => answer::page(StatusCode::OK, &Page { letter }),
        Err(status) => gone(&status),
    }
}

/// Gives it to its service again.
pub async fn redrive(
    State(console): State<Console>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(redrive): Form<Redrive>,
) -> Response {
    let value = redrive.value.map(|value| record::from_form(&value).into_owned().into_bytes().into());
    let mut admin = AdminServiceClient::new(console.channel.clone());
    let request = RedriveDeadLetterRequest { id: id.clone(), value, again: redrive.again.is_some() };
    let done = ask(admin.redrive_dead_letter(request)).await.map(drop);
    console.decided(&id, &headers, done).await
}

/// Gives it up.
pub async fn discard(State(console): State<Console>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let mut admin = AdminServiceClient::new(console.channel.clone());
    let done = ask(admin.discard_dead_letter(DiscardDeadLetterRequest { id: id.clone() })).await.map(drop);
    console.decided(&id, &headers, done).await
}

fn gone(status: &Status) -> Response {
    match status.code() {
        Code::NotFound => {
            answer::not_found("There is no such dead letter; it may have been kept long enough.")
        }
        _ => answer::failed(status),
    }
}

impl Console {
    /// The page as it is after a decision: all of it for a form, the part that it changes for a script.
    async fn decided(&self, id: &str, headers: &HeaderMap, done: Result<(), Status>) -> Response {
        let scripted = headers.contains_key("hx-request");
        if done.is_ok() && !scripted {
            return Redirect::to(&format!("/dead-letters/{id}")).into_response();
        }
        let (status, problem) = match &done {
            Ok(()) => (StatusCode::OK, None),
            Err(status) => (StatusCode::BAD_GATEWAY, Some(line(status.message()))),
        };
        match self.letter(id, problem).await {
            Ok(letter) if scripted => (status, axum::response::Html(letter)).into_response(),
            Ok(letter) => answer::page(status, &Page { letter }),
            Err(status) => gone(&status),
        }
    }

    async fn letter(&self, id: &str, problem: Option<String>) -> Result<String, Status> {
        let mut admin = AdminServiceClient::new(self.channel.clone());
        let found = ask(admin.get_dead_letter(GetDeadLetterRequest { id: id.to_owned() })).await?;
        let letter = Letter::of(&found, problem);
        letter.render().map_err(|error| Status::internal(error.to_string()))
    }
}

impl Line {
    fn of(letter: &DeadLetter) -> Self {
        let origin = match letter.partition {
            ..0 => letter.origin.clone(),
            partition => format!("{}/{partition}/{}", letter.origin, letter.offset),
        };
        Self {
            id: letter.id.clone(),
            service: letter.service.clone(),
            origin: line(&origin),
            reason: letter.reason.replace('_', " "),
            error: line(&letter.error),
            time: Moment::of(letter.time),
        }
    }
}

impl Letter {
    fn of(found: &GetDeadLetterResponse, problem: Option<String>) -> Self {
        let letter = found.dead_letter.clone().unwrap_or_default();
        let state = match letter.state() {
            DeadLetterState::Redriven => Fate::Redriven,
            DeadLetterState::Discarded => Fate::Discarded,
            DeadLetterState::Open | DeadLetterState::Unspecified => Fate::Open,
        };
        let or_null = |bytes: Option<&[u8]>| bytes.map_or_else(|| "null".to_owned(), record::shown);
        let value = found.value.as_deref();
        let (shown, whole) = value.map_or_else(|| ("null".to_owned(), true), record::beginning);
        Self {
            line: Line::of(&letter),
            state: state.word(),
            open: state == Fate::Open,
            kind: line(&letter.r#type),
            lane: letter.lane.clone(),
            attempts: count(letter.attempts.into(), "attempt"),
            decided_by: line(&letter.decided_by),
            decided: Moment::of(letter.decided_time),
            key: or_null(found.key.as_deref()),
            headers: found
                .headers
                .iter()
                .map(|header| (record::shown(&header.key), or_null(header.value.as_deref())))
                .collect(),
            value: shown,
            whole,
            size: count(value.map_or(0, <[u8]>::len) as u64, "byte"),
            mendable: value.and_then(record::mendable).map(str::to_owned),
            problem,
        }
    }
}
