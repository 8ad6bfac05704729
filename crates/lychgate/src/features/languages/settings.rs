//! Settings of languages.

use crate::settings::setting::{Preset, Setting, list, list_or_text, opt_text, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    list("languages", &["en"]).modern(Preset::List(&["en", "de", "es"])).top().means(
        "Languages of pages, messages and mails that visitors can choose from; whoever did not choose, and whose \
         browser asks for none of them, gets the first.",
    ),
    list_or_text("i18n_dirname", &["builtin"]).means(
        "Folders of catalogues such as `fr.toml`, which add languages and replace texts; \"builtin\" stands for those of \
         the library.",
    ),
    list_or_text("i18n_domain", &["flask_security"])
        .without_meaning("catalogues are found by their language")
        .means("Translation domains that texts are looked up in."),
    path("language_url", "/language").means("Route of the page where visitors choose their language."),
    text("language_template", "security/language.html").means("Template of that page."),
    text("language_cookie_name", "language").means("Name of the cookie that holds the choice."),
    opt_text("language_column").default(Preset::Text("locale")).means(
        "Text column of the user table, if there is one of that name, that holds the language of a user: for their \
         mails, and for browsers where nothing was chosen. Choosing a language writes it.",
    ),
];
