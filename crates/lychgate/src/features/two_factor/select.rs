//! The choice among several second factors at sign-in.

use serde_json::json;

use super::forms;
use crate::{
    failure::Failure,
    flow::second_factor::Pending,
    web::{answer::Reply, routes::Call},
};

/// Who has a choice now.
async fn choosing(call: &Call) -> Result<Option<Pending>, Failure> {
    if call.current().await?.is_some() {
        return Ok(None);
    }
    Ok(call.pending().await?.filter(|pending| pending.choice))
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let Some(pending) = choosing(&call).await? else { return call.out_of_turn(forms::select(&call, &[])) };
    let ways = call.ways(&pending).await?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"tf_select": true, "tf_setup_methods": ways}))));
    }
    Ok(Reply::Form(Box::new(forms::select(&call, &ways))))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    let Some(pending) = choosing(&call).await? else { return call.out_of_turn(forms::select(&call, &[])) };
    let ways = call.ways(&pending).await?;
    let mut form = forms::select(&call, &ways);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    let chosen = ways.iter().copied().find(|way| *way == form.value("which"));
    let Some(chosen) = chosen.filter(|_| !form.has_errors()) else { return Err(form.rejected()) };
    call.ask(&pending, chosen, call.asked_next(None).as_deref()).await
}
