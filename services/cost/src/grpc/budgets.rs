use septet_chassis::{RequestKey, contract::Message};
use septet_proto_common::v1::{PageRequest, PageResponse};
use septet_proto_cost::v1::{
    DeleteBudgetRequest, DeleteBudgetResponse, ListBudgetsResponse, PutBudgetRequest, PutBudgetResponse,
};

use crate::{
    Cost,
    budget::Limit,
    error::{Error, wrong},
    spending, store,
};

impl Cost {
    pub(super) async fn set_budget(
        &self,
        request: PutBudgetRequest,
        caller: &str,
    ) -> Result<PutBudgetResponse, Error> {
        let key = RequestKey::new(PutBudgetRequest::TYPE, caller, &request.request_id, &request);
        let mut cx = self.units.begin(Default::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let mut budget = request.budget.ok_or_else(|| wrong("budget", "is missing"))?;
        let limit = Limit::of(&budget).map_err(|(field, problem)| wrong(field, problem))?;
        if budget.repository.is_empty() {
            budget.thresholds = limit.thresholds;
        }
        budget.changed_time = Some(cx.now().into());
        // An import at the same time sees the budget, or is seen.
        store::take_turn(cx.tx().await?).await?;
        store::put_budget(cx.tx().await?, &budget).await?;
        if budget.repository.is_empty() {
            spending::look(&mut cx, &budget, None).await?;
        }
        let reply = PutBudgetResponse { budget: Some(budget) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }

    pub(super) async fn budgets(&self, page: &PageRequest, size: u32) -> Result<ListBudgetsResponse, Error> {
        let mut tx = self.units.read().await?;
        // One more than asked for tells whether there is another page.
        let mut budgets = store::budgets(&mut tx, &page.page_token, size + 1).await?;
        let more = budgets.len() > size as usize;
        budgets.truncate(size as usize);
        let next_page_token =
            budgets.last().filter(|_| more).map_or_else(String::new, |budget| budget.id.clone());
        Ok(ListBudgetsResponse { budgets, page: Some(PageResponse { next_page_token }) })
    }

    pub(super) async fn remove_budget(
        &self,
        request: &DeleteBudgetRequest,
        caller: &str,
    ) -> Result<DeleteBudgetResponse, Error> {
        let key = RequestKey::new(DeleteBudgetRequest::TYPE, caller, &request.request_id, request);
        let mut cx = self.units.begin(Default::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        if !store::delete_budget(cx.tx().await?, &request.id).await? {
            return Err(Error::NotFound("budget"));
        }
        let reply = DeleteBudgetResponse {};
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }
}
