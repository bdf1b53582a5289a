use septet_messaging::{DeadLetter, DeadLetterState, DeadLetters};
use septet_proto_common::v1::{
    self, DiscardDeadLetterResponse, GetDeadLetterResponse, ListDeadLettersRequest, ListDeadLettersResponse,
    PageResponse, RecordHeader, RedriveDeadLetterRequest, RedriveDeadLetterResponse,
};
use tonic::{Code, Status};

use crate::{
    error::{fault, status_of, status_of_store},
    page::page_size,
    started::{Running, Shared},
};

/// Dead letters of one service or of all, newest first.
pub(super) async fn list(
    shared: &Shared,
    request: ListDeadLettersRequest,
) -> Result<ListDeadLettersResponse, Status> {
    let page = request.page.clone().unwrap_or_default();
    let size = page_size(&page)?;
    let before = (!page.page_token.is_empty()).then_some(page.page_token.as_str());
    let state = match request.state() {
        v1::DeadLetterState::Unspecified | v1::DeadLetterState::Open => DeadLetterState::Open,
        v1::DeadLetterState::Redriven => DeadLetterState::Redriven,
        v1::DeadLetterState::Discarded => DeadLetterState::Discarded,
    };
    let services: Vec<&Running> = if request.service.is_empty() {
        shared.services.iter().collect()
    } else {
        vec![shared.service(&request.service)?]
    };
    let mut letters = Vec::new();
    for running in services {
        let of = DeadLetters::new(running.units.clone());
        // One more than asked for tells whether there is another page.
        let found = of.list(state, before, size + 1).await.map_err(|error| status_of_store(&error))?;
        letters.extend(found.into_iter().map(|letter| (running.contract.service, letter)));
    }
    // Ids rise with time, whichever service they are of.
    letters.sort_by(|(_, a), (_, b)| b.id.cmp(&a.id));
    let more = letters.len() > size as usize;
    letters.truncate(size as usize);
    let next_page_token =
        letters.last().filter(|_| more).map_or_else(String::new, |(_, letter)| letter.id.clone());
    Ok(ListDeadLettersResponse {
        dead_letters: letters.iter().map(|(service, letter)| message(service, letter)).collect(),
        page: Some(PageResponse { next_page_token }),
    })
}

/// A dead letter with its record.
pub(super) async fn get(shared: &Shared, id: &str) -> Result<GetDeadLetterResponse, Status> {
    let (running, letter) = find(shared, id).await?;
    Ok(GetDeadLetterResponse {
        dead_letter: Some(message(running.contract.service, &letter)),
        key: letter.record.key.clone(),
        headers: letter
            .record
            .headers
            .iter()
            .map(|header| RecordHeader { key: header.key.clone(), value: header.value.clone() })
            .collect(),
        value: letter.record.value.clone(),
    })
}

/// Gives a dead letter to its service again.
pub(super) async fn redrive(
    shared: &Shared,
    request: RedriveDeadLetterRequest,
    by: &str,
) -> Result<RedriveDeadLetterResponse, Status> {
    let (running, _) = find(shared, &request.id).await?;
    let redriven = DeadLetters::new(running.units.clone())
        .redrive(&request.id, request.value, request.again, by)
        .await
        .map_err(|error| status_of(&error))?;
    let letter = redriven.ok_or_else(|| decided(&request.id, "`again` redrives it all the same"))?;
    Ok(RedriveDeadLetterResponse { dead_letter: Some(message(running.contract.service, &letter)) })
}

/// Gives a dead letter up.
pub(super) async fn discard(
    shared: &Shared,
    id: &str,
    by: &str,
) -> Result<DiscardDeadLetterResponse, Status> {
    let (running, _) = find(shared, id).await?;
    let discarded =
        DeadLetters::new(running.units.clone()).discard(id, by).await.map_err(|error| status_of(&error))?;
    let letter = discarded.ok_or_else(|| decided(id, ""))?;
    Ok(DiscardDeadLetterResponse { dead_letter: Some(message(running.contract.service, &letter)) })
}

async fn find<'a>(shared: &'a Shared, id: &str) -> Result<(&'a Running, DeadLetter), Status> {
    for running in &shared.services {
        let found =
            DeadLetters::new(running.units.clone()).get(id).await.map_err(|error| status_of_store(&error))?;
        if let Some(letter) = found {
            return Ok((running, letter));
        }
    }
    Err(fault(Code::NotFound, "SEPTET-0035", "id", "there is no dead letter with this id", "list them first"))
}

fn decided(id: &str, hint: &str) -> Status {
    let problem = format!("the dead letter {id} was redriven or discarded before");
    fault(Code::FailedPrecondition, "SEPTET-0036", "id", &problem, hint)
}

fn message(service: &str, letter: &DeadLetter) -> v1::DeadLetter {
    let state = match letter.state {
        DeadLetterState::Open => v1::DeadLetterState::Open,
        DeadLetterState::Redriven => v1::DeadLetterState::Redriven,
        DeadLetterState::Discarded => v1::DeadLetterState::Discarded,
    };
    v1::DeadLetter {
        id: letter.id.clone(),
        service: service.to_owned(),
        state: state.into(),
        reason: letter.reason.clone(),
        error: letter.error.clone(),
        lane: letter.lane.clone(),
        origin: letter.origin.clone(),
        partition: letter.partition,
        offset: letter.offset,
        r#type: letter.r#type.clone(),
        attempts: letter.attempts,
        time: Some(letter.failed.into()),
        decided_by: letter.decided.as_ref().map_or_else(String::new, |(by, _)| by.clone()),
        decided_time: letter.decided.as_ref().map(|(_, at)| (*at).into()),
    }
}
