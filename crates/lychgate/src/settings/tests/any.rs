//! Whatever is given is taken or refused.

use proptest::prelude::*;

use super::*;

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| if number.is_finite() { format!("{number:?}") } else { "nan".to_owned() }),
        "[a-zA-Z0-9/ .@:<>-]{0,12}".prop_map(|text| format!("{text:?}")),
        Just("1979-05-27".to_owned()),
        Just("0xffffffffffffffffffff".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::btree_map("[a-z_]{1,8}", inner, 0..3).prop_map(|entries| {
                let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_settings_or_errors(text in "\\PC{0,200}") {
        let _ = with(&text);
    }

    #[test]
    fn any_value_of_any_setting_is_taken_or_refused(at in 0..known::table().len(), value in any_value()) {
        let setting = known::table()[at];
        let table = setting.section.table();
        let header = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
        match flask(&format!("{header}{} = {value}\n", setting.name)) {
            Ok(settings) => prop_assert!(settings.rows().count() > 400),
            Err(errors) => prop_assert!(!errors.problems().is_empty() && !errors.to_string().is_empty()),
        }
    }

    #[test]
    fn any_variable_is_taken_or_refused(at in 0..known::table().len(), value in "\\PC{0,40}") {
        let names = environment::names(known::table()[at]);
        let _ = minimal().env(names.into_iter().map(|name| (name, value.clone()))).build();
    }
}
