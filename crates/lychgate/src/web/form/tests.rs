#![allow(clippy::unwrap_used)]

use serde_json::{Map, Value, json};

use super::{super::body::Submitted, *};
use crate::messages::Messages;

fn form() -> Form {
    let fields = vec![
        Field::new("email", Kind::Email, "Email").required(),
        Field::new("password", Kind::Password, "Password"),
        Field::new("remember", Kind::Checkbox, "Remember").checked(true),
    ];
    Form::new("f", "t", "/".to_owned(), fields)
}

fn english() -> Messages {
    Messages::new(&crate::settings::tests::minimal().build().unwrap())
}

fn filled(json: Value) -> Form {
    let Value::Object(map) = json else { panic!() };
    let mut form = form();
    form.fill(&Submitted::Json(map)).unwrap();
    form
}

#[test]
fn scalars_lists_and_wrong_types() {
    let form = filled(json!({"email": ["a@b"], "password": 7}));
    assert_eq!(form.value("email"), "a@b");
    let errors: Vec<_> = form.errors_in_order().map(|(name, message)| (name, message.key)).collect();
    assert_eq!(errors, [("password", messages::API_ERROR)]);
}

#[test]
fn what_counts_as_ticked() {
    for (value, ticked) in [
        (json!(false), false),
        (json!(0), false),
        (json!(0.0), false),
        (json!(""), false),
        (json!("false"), false),
        (json!(null), true),
        (json!("0"), true),
        (json!("False"), true),
        (json!(1), true),
        (json!([]), false),
        (json!(["false"]), false),
        (json!(["y"]), true),
    ] {
        assert_eq!(filled(json!({"remember": value})).is_checked("remember"), ticked, "{value}");
    }
    let mut sent = form();
    sent.fill(&Submitted::Form(vec![("email".to_owned(), "a".to_owned())])).unwrap();
    assert!(!sent.is_checked("remember"), "a box that was not sent is not ticked");
}

#[test]
fn one_of_several() {
    let choices = || vec![Choice::new("first", "First", ""), Choice::new("secondary", "Second", "After a password.")];
    let asked = |chosen, sent: Submitted| {
        let usage = Field::new("usage", Kind::Radio, "Usage").choices(choices(), chosen);
        let mut form = Form::new("f", "t", "/".to_owned(), vec![usage]);
        form.fill(&sent).unwrap();
        form
    };
    let json = |value: Value| Submitted::Json(Map::from_iter([("usage".to_owned(), value)]));
    assert_eq!(asked("secondary", json(json!("first"))).value("usage"), "first");
    for unsent in [|| Submitted::Nothing, || Submitted::Json(Map::new())] {
        let form = asked("secondary", unsent());
        assert_eq!((form.value("usage"), form.has_errors()), ("secondary", false));
        assert!(asked("", unsent()).has_error_in("usage"));
    }
    for wrong in [json!("third"), json!(""), json!(1), json!({"a": 1}), json!([2])] {
        let form = asked("secondary", json(wrong.clone()));
        let errors: Vec<_> = form.errors_in_order().map(|(name, message)| (name, message.key)).collect();
        assert!(
            matches!(errors.as_slice(), [("usage", messages::INVALID_CHOICE | messages::API_ERROR)]),
            "{wrong}: {errors:?}"
        );
    }
    let view = asked("secondary", Submitted::Nothing).view(&english());
    let shown = &view["fields"]["usage"];
    assert_eq!((&shown["type"], &shown["choices"][1]["checked"]), (&json!("radio"), &json!(true)));
}

#[test]
fn one_field_sent_twice_with_two_values_is_refused() {
    let mut form = form();
    let pairs = [("email", "a"), ("email", "b")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    form.fill(&Submitted::Form(pairs.to_vec())).unwrap();
    assert!(form.has_error_in("email"));
}

#[test]
fn passwords_are_never_shown_again() {
    let form = filled(json!({"password": "hunter2"}));
    assert!(!form.view(&english()).to_string().contains("hunter2"));
    assert!(!format!("{form:?}").contains("hunter2"));
}
