//! The table of cases in memory.

use crate::cases;
use crate::world::{RECORDS, SCOPE, World};
use gate_rules::Rule;

#[test]
fn the_evaluator_answers_every_case() {
    let mut wrong = Vec::new();
    for case in cases::all() {
        let rule = Rule::compile(case.rule, &SCOPE).unwrap_or_else(|error| panic!("{}: {error}", case.rule));
        let holds = |record| rule.evaluate(&World::new(case.caller, record));
        let found: String =
            RECORDS.into_iter().filter(|record| holds(*record)).map(|record| record.id).collect();
        if found != case.matches {
            wrong.push(format!("{:?} {} → {found:?}, not {:?}", case.caller, case.rule, case.matches));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases::all().count(), wrong.join("\n"));
}

#[test]
fn the_table_has_at_least_300_cases() {
    assert!(cases::all().count() >= 300, "{}", cases::all().count());
}

#[test]
fn an_explanation_agrees_with_the_answer_and_shows_each_comparison() {
    for case in cases::all() {
        let rule = Rule::compile(case.rule, &SCOPE).unwrap();
        for record in RECORDS {
            let world = World::new(case.caller, record);
            let explanation = rule.explain(&world);
            assert_eq!(explanation.holds, rule.evaluate(&world), "{}", case.rule);
            if let [only] = explanation.comparisons.as_slice() {
                assert_eq!(only.holds, explanation.holds, "{}", case.rule);
            }
        }
    }
}

#[test]
fn an_explanation_has_texts_and_values_of_both_sides() {
    let rule =
        Rule::compile("(@request.auth.role = 'admin') && @request.auth.roles:each ?!= 'x'", &SCOPE).unwrap();
    let [first, second] = rule
        .explain(&World::new(crate::world::Caller::User, RECORDS[0]))
        .comparisons
        .try_into()
        .unwrap_or_else(|found| panic!("{found:?}"));
    assert_eq!(first.text, "@request.auth.role = 'admin'");
    assert_eq!((first.left.text.as_str(), first.right.text.as_str()), ("@request.auth.role", "'admin'"));
    assert_eq!(first.left.value, "admin".into());
    assert_eq!(second.text, "@request.auth.roles:each ?!= 'x'");
    assert_eq!(second.left.value, gate_rules::Value::Json(r#"["staff","ops"]"#.into()));
    assert!(first.holds && second.holds);
}

#[test]
fn a_rule_knows_what_it_reads_of_the_caller() {
    let reads = |text| {
        let rule = Rule::compile(text, &SCOPE).unwrap();
        assert_eq!(rule.needs_auth(), !rule.auth_fields().is_empty());
        rule.auth_fields().join(" ")
    };
    assert_eq!(reads("t = 'x' || @request.method = 'GET'"), "");
    assert_eq!(reads("@request.auth.role:lower = 'x' && (@request.auth.id != '' || n > 1)"), "id role");
    assert_eq!(reads("geoDistance(@request.auth.lon, 1, 2, @request.auth.lon) < 5"), "lon");
}

#[test]
fn a_rule_is_shared_between_threads() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    check::<Rule>();
}
