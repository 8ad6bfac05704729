//! The pages.

use std::collections::BTreeMap;

use axum::{
    Form,
    extract::{Multipart, OriginalUri, Path, Query, State},
    http::header,
    response::{IntoResponse as _, Redirect, Response},
};
use lychgate::{CurrentUser, Error, Need, Page, Permission, Session};

use crate::{Site, desk::Document, home_of};

/// A document as its form sends it.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Draft {
    title: String,
    body: String,
}

/// Who is to edit a document.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Assignment {
    editor: String,
}

pub(crate) async fn front(user: Option<CurrentUser>) -> Response {
    match user {
        None => Redirect::to("/login").into_response(),
        Some(user) => match home_of(user.row()) {
            Some(home) => Redirect::to(&home).into_response(),
            None => Page::new("documents/front.html").into_response(),
        },
    }
}

pub(crate) async fn dashboard(State(site): State<Site>, user: CurrentUser) -> Result<Page, Error> {
    let documents = site.desk.documents_of(user.id()).await?;
    Ok(page("dashboard", &user).with("count", documents.len()))
}

pub(crate) async fn list(State(site): State<Site>, user: CurrentUser) -> Result<Page, Error> {
    let mut documents = site.desk.documents_of(user.id()).await?;
    documents.retain(|document| may_open(&user, document.id));
    Ok(page("list", &user).with("documents", documents))
}

pub(crate) async fn new(user: CurrentUser) -> Page {
    page("document", &user)
}

pub(crate) async fn write(
    State(site): State<Site>,
    user: CurrentUser,
    Form(draft): Form<Draft>,
) -> Result<Redirect, Error> {
    let draft = draft.checked()?;
    let id = site.desk.write(user.id(), draft.title, draft.body).await?;
    Ok(Redirect::to(&format!("/sponsor/documents/{id}")))
}

pub(crate) async fn document(
    State(site): State<Site>,
    user: CurrentUser,
    Path(id): Path<String>,
) -> Result<Page, Error> {
    let document = open(&site, &user, &id).await?;
    let editor = match document.editor {
        Some(editor) => site.gate.store().user_by_id(editor).await.map_err(Error::internal)?,
        None => None,
    };
    let page = page("document", &user).with("editor", editor.map(|editor| editor.email.clone()));
    Ok(page.with("document", document).with("pictures_at", &*site.pictures_at))
}

pub(crate) async fn save(
    State(site): State<Site>,
    user: CurrentUser,
    Path(id): Path<String>,
    Form(draft): Form<Draft>,
) -> Result<Redirect, Error> {
    let document = open(&site, &user, &id).await?;
    let draft = draft.checked()?;
    site.desk.change(document.id, draft.title, draft.body).await?;
    Ok(back(&user, document.id))
}

pub(crate) async fn assign(
    State(site): State<Site>,
    user: CurrentUser,
    Path(id): Path<String>,
    Form(wish): Form<Assignment>,
) -> Result<Redirect, Error> {
    let document = owned(&site, &user, &id).await?;
    let editor = match wish.editor.trim() {
        "" => None,
        email => Some(editor(&site, email).await?.ok_or_else(Error::bad_request)?),
    };
    site.desk.assign(document.id, editor).await?;
    Ok(back(&user, document.id))
}

pub(crate) async fn illustrate(
    State(site): State<Site>,
    user: CurrentUser,
    Path(id): Path<String>,
    mut form: Multipart,
) -> Result<Redirect, Error> {
    let document = owned(&site, &user, &id).await?;
    while let Some(part) = form.next_field().await.map_err(|_| Error::bad_request())? {
        if let (Some("picture"), Some(name)) = (part.name(), part.file_name().map(str::to_owned)) {
            let bytes = part.bytes().await.map_err(|_| Error::too_large())?;
            let kept = site.uploads.keep(&name, &bytes).await?;
            site.desk.illustrate(document.id, kept).await?;
            // Nothing leads to the former one any more.
            if let Some(former) = &document.picture {
                site.uploads.remove(former).await?;
            }
            return Ok(back(&user, document.id));
        }
    }
    Err(Error::bad_request())
}

pub(crate) async fn picture(State(site): State<Site>, Path(name): Path<String>) -> Result<Response, Error> {
    site.uploads.serve(&name).await
}

pub(crate) async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("../static/site.css")).into_response()
}

pub(crate) async fn report(user: CurrentUser) -> String {
    // A stand-in for work that takes a while.
    format!("The report for {} took a while.\n", user.email())
}

pub(crate) async fn office() -> &'static str {
    "You are in the office.\n"
}

pub(crate) async fn terms() -> &'static str {
    "The terms. Now you may see the contract.\n"
}

pub(crate) async fn contract() -> &'static str {
    "The contract.\n"
}

/// The sign-in page of an area; its form is sent where every sign-in is.
pub(crate) async fn sign_in(OriginalUri(uri): OriginalUri, Query(query): Query<BTreeMap<String, String>>) -> Page {
    let area = if uri.path().starts_with("/sponsor") { "sponsor" } else { "editor" };
    Page::new("documents/sign_in.html").with("of", area).with("target", query.get("next"))
}

pub(crate) async fn sign_out(session: Session) -> Result<Redirect, Error> {
    session.sign_out().await?;
    Ok(Redirect::to("/login"))
}

pub(crate) async fn not_found() -> Error {
    Error::not_found()
}

impl Draft {
    fn checked(self) -> Result<Self, Error> {
        let right = (1..=200).contains(&self.title.trim().len()) && self.body.len() <= 100_000;
        if right { Ok(self) } else { Err(Error::bad_request()) }
    }
}

fn page(name: &str, user: &CurrentUser) -> Page {
    let area = if user.has_role("sponsor") { "sponsor" } else { "editor" };
    Page::new(format!("documents/{name}.html")).with("area", area)
}

fn back(user: &CurrentUser, id: i64) -> Redirect {
    let area = if user.has_role("sponsor") { "sponsor" } else { "editor" };
    Redirect::to(&format!("/{area}/documents/{id}"))
}

fn may_open(user: &CurrentUser, id: i64) -> bool {
    user.can(&Permission::any([Need::item("own", id, "document"), Need::item("edit", id, "document")]))
}

/// The document that `user` may work on. One of somebody else is no document: the reply is that for one that is not there.
async fn open(site: &Site, user: &CurrentUser, id: &str) -> Result<Document, Error> {
    let id = id.parse().ok().filter(|id| may_open(user, *id)).ok_or_else(Error::not_found)?;
    site.desk.document(id).await?.ok_or_else(Error::not_found)
}

/// The same, of a document that `user` wrote.
async fn owned(site: &Site, user: &CurrentUser, id: &str) -> Result<Document, Error> {
    let document = open(site, user, id).await?;
    let own = Permission::from(Need::item("own", document.id, "document"));
    if user.can(&own) { Ok(document) } else { Err(Error::not_found()) }
}

/// The key of an editor by their address.
async fn editor(site: &Site, email: &str) -> Result<Option<i64>, Error> {
    let found = site.gate.accounts().find(email).await.map_err(Error::internal)?;
    Ok(found.filter(|user| user.has_role("editor")).map(|user| user.id))
}
