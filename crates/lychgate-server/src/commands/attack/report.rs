//! What was found, for people and for programs.

use serde_json::{Value, json};

use super::{
    Target,
    check::{Check, Result as Checked, Stop},
};
use crate::output;

/// The most lines of evidence for one check.
const EVIDENCE: usize = 5;

/// A word for the result, and what it rests on.
fn told(result: &Checked) -> (&'static str, Vec<String>) {
    match result {
        Ok(found) if found.is_empty() => ("holds", vec![]),
        Ok(found) => ("FOUND", found.clone()),
        Err(Stop::Silent(why)) => ("SILENT", vec![why.clone()]),
        Err(Stop::Skipped(why)) => ("skipped", vec![why.clone()]),
    }
}

pub(super) fn table(target: &Target, results: &[(Check, Checked)]) {
    let rows = results.iter().map(|(check, result)| {
        let (word, evidence) = told(result);
        let more = evidence.len().saturating_sub(EVIDENCE);
        let mut evidence: Vec<String> = evidence.into_iter().take(EVIDENCE).collect();
        evidence.extend((more > 0).then(|| format!("and {more} more")));
        let said = if evidence.is_empty() { check.holds.to_owned() } else { evidence.join("; ") };
        vec![check.id.to_owned(), check.threats.join(" "), check.asvs.join(" "), word.to_owned(), said]
    });
    output::table(&["CHECK", "THREAT", "ASVS", "RESULT", "EVIDENCE"], rows);
    let (found, skipped) = counts(results);
    output::line("");
    output::line(format_args!(
        "{}: {} checks with {} requests, {found} with findings, {skipped} skipped",
        target.url,
        results.len(),
        target.requests_sent()
    ));
}

fn counts(results: &[(Check, Checked)]) -> (usize, usize) {
    let found = results.iter().filter(|(_, result)| super::check::is_finding(result)).count();
    let skipped = results.iter().filter(|(_, result)| matches!(result, Err(Stop::Skipped(_)))).count();
    (found, skipped)
}

pub(super) fn json(target: &Target, results: &[(Check, Checked)]) -> Value {
    let checks: Vec<Value> = results
        .iter()
        .map(|(check, result)| {
            let (word, evidence) = told(result);
            json!({
                "id": check.id,
                "threats": check.threats,
                "asvs": check.asvs,
                "holds": check.holds,
                "result": word.to_ascii_lowercase(),
                "evidence": evidence,
            })
        })
        .collect();
    let (found, skipped) = counts(results);
    let url = target.url.as_str();
    json!({"url": url, "requests": target.requests_sent(), "found": found, "skipped": skipped, "checks": checks})
}

/// SARIF 2.1.0, as OASIS has published it.
pub(super) fn sarif(target: &Target, results: &[(Check, Checked)]) -> Value {
    let rules: Vec<Value> = results
        .iter()
        .map(|(check, _)| {
            let asvs = check.asvs.iter().map(|id| format!("asvs-5.0/{id}"));
            let tags: Vec<String> = asvs.chain(check.threats.iter().map(|&threat| threat.to_owned())).collect();
            json!({"id": check.id, "shortDescription": {"text": check.holds}, "properties": {"tags": tags}})
        })
        .collect();
    let place = json!([{"physicalLocation": {"artifactLocation": {"uri": target.url.as_str()}}}]);
    let results: Vec<Value> = results
        .iter()
        .map(|(check, result)| {
            let (word, evidence) = told(result);
            let (kind, level) = match word {
                "holds" => ("pass", "none"),
                "skipped" => ("notApplicable", "none"),
                _ => ("fail", "error"),
            };
            let text = if evidence.is_empty() { check.holds.to_owned() } else { evidence.join("\n") };
            json!({"ruleId": check.id, "kind": kind, "level": level, "message": {"text": text}, "locations": place})
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "lychgate attack", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "invocations": [{"executionSuccessful": true}],
            "results": results,
        }],
    })
}
