//! A site of documents: sponsors write them and say who edits them, editors edit what is assigned to them, an
//! administrator approves accounts and suspends them. Everything about security is Lychgate's.

mod areas;
mod desk;
mod pages;

use std::{path::Path, sync::Arc};

use axum::Router;
use lychgate::{
    BodyLimit, Builder, Lychgate, Need,
    store::User,
    uploads::{Folder, Uploads},
};
use tower_http::normalize_path::NormalizePathLayer;

pub use self::desk::{Desk, Document};

/// Largest picture, and the little that a form is around it.
const MOST_BYTES: usize = 5 * 1024 * 1024;
const MOST_BYTES_OF_FORM: usize = MOST_BYTES + 64 * 1024;

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct Site {
    /// Sign-in, and who may do what.
    pub gate: Lychgate,
    /// The documents.
    pub desk: Desk,
    /// The pictures.
    pub uploads: Uploads,
    /// Where pictures are served: an origin of their own.
    pub pictures_at: Arc<str>,
}

impl Site {
    /// Opens what lies in `folder` beside the accounts.
    pub async fn open(builder: Builder, folder: &Path, pictures_at: &str) -> Result<Self, Box<dyn std::error::Error>> {
        std::fs::create_dir_all(folder)?;
        let desk = Desk::open(&folder.join("documents.db"))?;
        let gate = configure(builder, desk.clone()).build().await?;
        let uploads = Uploads::new(Folder::at(folder.join("uploads"))?).most_bytes(MOST_BYTES);
        Ok(Self { gate, desk, uploads, pictures_at: pictures_at.into() })
    }

    /// The site.
    pub fn router(&self) -> Router {
        let app = Router::new()
            .merge(areas::front())
            .nest("/sponsor", areas::sponsor())
            .nest("/editor", areas::editor())
            .with_state(self.clone())
            .merge(lychgate_admin::routes(&self.gate))
            .merge(self.gate.routes())
            .fallback(pages::not_found)
            .layer(BodyLimit::bytes(MOST_BYTES_OF_FORM));
        app.layer(self.gate.layer())
    }

    /// The origin of the pictures: downloads and nothing else, without cookies.
    pub fn pictures(&self) -> Router {
        Router::new().route("/{name}", axum::routing::get(pages::picture)).with_state(self.clone())
    }
}

/// What this site adds to sign-in: two ways to sign up, where people land, and what they may do with which document.
pub fn configure(builder: Builder, desk: Desk) -> Builder {
    builder
        .sign_up("/signupsponsor", ["sponsor"])
        .sign_up("/signupeditor", ["editor"])
        .landing(home_of)
        .user_type(|user| AREAS.into_iter().find(|area| user.has_role(area)).map(str::to_owned))
        .needs(move |user| {
            let desk = desk.clone();
            async move { needs_of(&desk, &user).await }
        })
        .template("documents/base.html", include_str!("../templates/base.html"))
        .template("documents/front.html", include_str!("../templates/front.html"))
        .template("documents/dashboard.html", include_str!("../templates/dashboard.html"))
        .template("documents/sign_in.html", include_str!("../templates/sign_in.html"))
        .template("documents/list.html", include_str!("../templates/list.html"))
        .template("documents/document.html", include_str!("../templates/document.html"))
}

/// Both kinds of people, each with an area.
const AREAS: [&str; 2] = ["sponsor", "editor"];

/// Where somebody is at home.
pub fn home_of(user: &User) -> Option<String> {
    let homes = [("admin", "/admin"), ("sponsor", "/sponsor/dashboard"), ("editor", "/editor/dashboard")];
    homes.iter().find(|(role, _)| user.has_role(role)).map(|(_, home)| (*home).to_owned())
}

/// A sponsor owns what they wrote; an editor may edit what is assigned to them, for as long as both are so.
async fn needs_of(desk: &Desk, user: &User) -> Vec<Need> {
    let documents = desk.documents_of(user.id).await.unwrap_or_default();
    let mut needs = Vec::new();
    for document in documents {
        if document.sponsor == user.id && user.has_role("sponsor") {
            needs.push(Need::item("own", document.id, "document"));
        }
        if document.editor == Some(user.id) && user.has_role("editor") {
            needs.push(Need::item("edit", document.id, "document"));
        }
    }
    needs
}

/// `/documents/` is `/documents`: for sites whose visitors type slashes.
pub fn with_any_slash(app: Router) -> Router {
    use tower::Layer as _;
    Router::new().fallback_service(NormalizePathLayer::trim_trailing_slash().layer(app))
}
