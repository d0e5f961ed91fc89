//! Makes a snapshot of the stored records.

use crate::proxies::{ProxyRecord, normalise_path};
use crate::secrets::ResolvedSecrets;
use crate::shared::Shared;
use crate::template::TemplateSources;
use crate::upstreams::Upstreams;
use crate::{EnvironmentPolicy, FieldError, FieldErrors, Unresolved};
use gate_snapshot::{AccessRule, Proxy, ProxyFields, ProxyId, Snapshot, Timeouts, Upstream, in_slices};
use gate_store::ProxyRow;
use gate_telemetry::metrics::ProxyMetrics;
use gate_traffic::{ProxyTraffic, TrafficConfig};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::sync::Arc;
use std::time::Instant;

/// Makes snapshots of the stored records, one generation after the other.
///
/// A bad record never replaces a good one: it stands for the last good record with its id, and without one its path
/// answers 404. Such a path is kept, not left to the proxy with a shorter one, which may be open to more people.
#[derive(Debug)]
pub struct Compiler {
    environment: EnvironmentPolicy,
    secrets: ResolvedSecrets,
    upstreams: Upstreams,
    timeouts: Shared<Timeouts>,
    traffic_configs: Shared<TrafficConfig>,
    generation: u64,
    /// Every record that is stored.
    known: FxHashMap<ProxyId, Known>,
    workers: usize,
}

/// What outlives the edits of a record. It is forgotten with the record, and only then (contract D-12, H60).
#[derive(Debug)]
struct Known {
    /// What is counted about it, in force or not.
    metrics: Arc<ProxyMetrics>,
    /// Its last good version.
    good: Option<Arc<Good>>,
}

/// A record that was compiled without errors. It is compiled once, however many generations it stays as it is; one that
/// names a secret, once for all the time the secrets stay as they are.
#[derive(Debug)]
struct Good {
    row: Arc<ProxyRow>,
    proxy: Arc<Proxy>,
    /// A header without a value.
    unresolved: Option<Problem>,
    names_secret: bool,
}

/// A snapshot, and what was wrong with the records it was made of.
#[derive(Debug)]
pub struct Compiled {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Every record that is not in force as it is stored.
    pub problems: Vec<Problem>,
}

/// Why a record is not in force as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The record.
    pub id: String,
    /// Its path, as it is stored.
    pub path: String,
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
    /// What happens instead.
    pub effect: Effect,
}

/// What happens to requests for a record with a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// They are treated as its last good version says.
    KeepsLastGood,
    /// They get 404.
    NotFound,
    /// They get 500: a header has no value.
    Unresolved,
}

impl Compiler {
    /// A compiler whose templates read these environment variables, for a data plane of so many workers.
    pub fn new(environment: EnvironmentPolicy, workers: usize) -> Self {
        Compiler {
            environment,
            secrets: ResolvedSecrets::default(),
            upstreams: Upstreams::default(),
            timeouts: Shared::default(),
            traffic_configs: Shared::default(),
            generation: 0,
            known: FxHashMap::default(),
            workers,
        }
    }

    /// Makes the next snapshot. A record that is as it was, in every column, keeps its compiled form.
    ///
    /// Computes for milliseconds, in slices between which others may run.
    pub fn compile(&mut self, rows: Vec<Arc<ProxyRow>>, secrets: ResolvedSecrets) -> Compiled {
        let secrets_changed = secrets != self.secrets;
        self.secrets = secrets;
        let mut earlier = std::mem::take(&mut self.known);
        self.known.reserve(rows.len());
        let mut paths = FxHashSet::with_capacity_and_hasher(rows.len(), FxBuildHasher);
        let mut in_order = Vec::with_capacity(rows.len());
        let mut instead = Vec::new();
        let mut problems = Vec::new();
        for row in in_slices(rows) {
            let (id, mut known) = earlier.remove_entry(row.id.as_str()).unwrap_or_else(|| self.unknown(&row));
            let same = known.good.as_ref().filter(|good| good.is_of(&row, secrets_changed));
            let good = same.map_or_else(|| self.compile_row(&id, &row, &known), |good| Ok(Arc::clone(good)));
            match (good.and_then(|good| take_path(good, &mut paths)), &known.good) {
                (Ok(good), _) => {
                    in_order.push(Arc::clone(&good.proxy));
                    problems.extend(good.unresolved.clone());
                    known.good = Some(good);
                }
                (Err(errors), Some(good)) => {
                    instead.push(Arc::clone(&good.proxy));
                    problems.extend(Problem::all(&row, &errors, Effect::KeepsLastGood));
                }
                (Err(errors), None) => {
                    instead.extend(blocked(&id, &row, Arc::clone(&known.metrics)).map(Arc::new));
                    problems.extend(Problem::all(&row, &errors, Effect::NotFound));
                }
            }
            self.known.insert(id, known);
        }
        in_slices(earlier).for_each(drop);
        self.upstreams.forget_unused(self.known.len());
        self.generation += 1;
        // Of two with the same path the later one wins: a good record over what stands in for a bad one.
        Compiled { snapshot: Snapshot::new(self.generation, instead.into_iter().chain(in_order)), problems }
    }

    fn unknown(&self, row: &ProxyRow) -> (ProxyId, Known) {
        (row.id.as_str().into(), Known { metrics: Arc::new(ProxyMetrics::new(self.workers)), good: None })
    }

    /// What runs and what has failed is the proxy's, whatever becomes of its record (contract D-12).
    fn compile_row(
        &mut self,
        id: &ProxyId,
        row: &Arc<ProxyRow>,
        known: &Known,
    ) -> Result<Arc<Good>, FieldErrors> {
        let checked = ProxyRecord::from_row(row)?.check_with(|typed| self.upstreams.parse(typed))?;
        let names_secret = checked.names_secret();
        let sources = TemplateSources { environment: &self.environment, secrets: &self.secrets };
        let traffic = known.good.as_ref().map(|good| &good.proxy.traffic);
        let (mut proxy, unresolved) =
            checked.compile(Arc::clone(id), sources, Arc::clone(&known.metrics), traffic);
        proxy.timeouts = self.timeouts.share(proxy.timeouts);
        proxy.traffic_config = self.traffic_configs.share(proxy.traffic_config);
        let unresolved = unresolved.map(|Unresolved { expression, reason }| {
            Problem::of(row, "headers", &format!("{expression} {reason}"), Effect::Unresolved)
        });
        Ok(Arc::new(Good { row: Arc::clone(row), proxy: Arc::new(proxy), unresolved, names_secret }))
    }
}

impl Good {
    /// Whether compiling this row would make the same of it.
    fn is_of(&self, row: &ProxyRow, secrets_changed: bool) -> bool {
        !(self.names_secret && secrets_changed) && *self.row == *row
    }
}

/// The store keeps paths apart as they are stored; two may be the same once they are normalised.
fn take_path(good: Arc<Good>, paths: &mut FxHashSet<Arc<str>>) -> Result<Arc<Good>, FieldErrors> {
    if paths.insert(Arc::clone(&good.proxy.path)) {
        Ok(good)
    } else {
        Err(FieldErrors::of("path", FieldError::not_unique()))
    }
}

impl Problem {
    fn all(row: &ProxyRow, errors: &FieldErrors, effect: Effect) -> Vec<Self> {
        errors.iter().map(|(field, error)| Self::of(row, &field, &error.message, effect)).collect()
    }

    fn of(row: &ProxyRow, field: &str, reason: &str, effect: Effect) -> Self {
        Problem {
            id: row.id.clone(),
            path: row.path.clone(),
            field: field.to_owned(),
            reason: reason.to_owned(),
            effect,
        }
    }
}

/// Holds the path of a record that cannot be used, if that much of it can: an inactive proxy (H31).
fn blocked(id: &ProxyId, row: &ProxyRow, metrics: Arc<ProxyMetrics>) -> Option<Proxy> {
    Some(Proxy {
        id: Arc::clone(id),
        name: row.path.as_str().into(),
        path: normalise_path(&row.path)?.into(),
        active: false,
        strip_path: true,
        access_rule: AccessRule::Nobody,
        upstream: Upstream::control_plane(),
        record: ProxyFields::default(),
        headers: Vec::new(),
        timeouts: Arc::default(),
        traffic_config: Arc::default(),
        traffic: ProxyTraffic::new(&TrafficConfig::default(), Instant::now()),
        metrics,
        forward_auth: false,
        forward_encoding: false,
        forward_preflight: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate_snapshot::HeaderValue;
    use serde_json::{Value, json};

    fn compiler() -> Compiler {
        Compiler::new(
            EnvironmentPolicy::with_reader([], |name| match name {
                "KEY" => Some("sk-1".to_owned()),
                "BREAK" => Some("a\r\nX-Injected: b".to_owned()),
                _ => None,
            }),
            2,
        )
    }

    impl Compiler {
        /// A snapshot of rows that name no secrets.
        fn compile_rows(&mut self, rows: Vec<ProxyRow>) -> Compiled {
            self.compile(rows.into_iter().map(Arc::new).collect(), ResolvedSecrets::default())
        }
    }

    /// A stored row; its id is its name.
    fn row(id: &str, fields: Value) -> ProxyRow {
        let mut record = ProxyRecord {
            path: format!("/-/{id}"),
            upstream: "http://a".to_owned(),
            ..ProxyRecord::default()
        };
        let Value::Object(fields) = fields else { panic!("fields are an object") };
        record.merge(fields).unwrap();
        ProxyRow { id: id.to_owned(), ..record.check().unwrap().new_row() }
    }

    /// What another program may write without asking.
    fn bad(row: ProxyRow) -> ProxyRow {
        ProxyRow { upstream: "ftp://a".to_owned(), ..row }
    }

    fn found<'a>(compiled: &'a Compiled, path: &str) -> Option<&'a Proxy> {
        compiled.snapshot.routes().find(path.as_bytes()).map(|matched| &**matched.proxy)
    }

    fn effects(compiled: &Compiled) -> Vec<(&str, &str, Effect)> {
        compiled.problems.iter().map(|problem| (&*problem.id, &*problem.field, problem.effect)).collect()
    }

    #[test]
    fn every_field_gets_into_the_snapshot() {
        let fields = json!({
            "path": "/v1/", "upstream": "https://api.example.com/v1", "name": "Example", "active": false,
            "stripPath": false, "accessRule": " true ", "timeout": 60, "timeoutConfig": {"dial": 3},
            "headers": {"Authorization": "Bearer {env.KEY}"}, "forwardAuth": true, "forwardEncoding": true, "forwardPreflight": true,
        });
        let compiled = compiler().compile_rows(vec![row("a", fields)]);
        let proxy = found(&compiled, "/v1/models").unwrap();
        assert_eq!((&*proxy.id, &*proxy.name, &*proxy.path), ("a", "Example", "/v1"));
        assert_eq!((proxy.active, proxy.strip_path, &proxy.access_rule), (false, false, &AccessRule::Public));
        assert_eq!(proxy.upstream, Upstream::parse("https://api.example.com/v1").unwrap());
        assert_eq!((proxy.timeouts.total.as_secs(), proxy.timeouts.dial.as_secs()), (60, 3));
        assert_eq!((proxy.forward_auth, proxy.forward_encoding, proxy.forward_preflight), (true, true, true));
        let [header] = proxy.headers.as_slice() else { panic!("one header") };
        assert_eq!(&*header.name, "Authorization");
        assert!(matches!(&header.value, HeaderValue::Resolved(value) if **value == *b"Bearer sk-1"));
        assert_eq!(compiled.problems, []);
    }

    #[test]
    fn a_proxy_without_a_name_is_called_by_its_path() {
        let compiled = compiler().compile_rows(vec![row("a", json!({}))]);
        assert_eq!(&*found(&compiled, "/-/a").unwrap().name, "/-/a");
    }

    #[test]
    fn generations_count_up() {
        let mut compiler = compiler();
        assert_eq!(compiler.compile_rows(Vec::new()).snapshot.generation(), 1);
        assert_eq!(compiler.compile_rows(Vec::new()).snapshot.generation(), 2);
    }

    #[test]
    fn a_bad_record_stands_for_its_last_good_version() {
        let mut compiler = compiler();
        let good = row("a", json!({"upstream": "http://good"}));
        compiler.compile_rows(vec![good.clone(), row("b", json!({}))]);
        for _ in 0..3 {
            let compiled = compiler.compile_rows(vec![bad(good.clone()), row("b", json!({"timeout": 5}))]);
            assert_eq!(effects(&compiled), [("a", "upstream", Effect::KeepsLastGood)]);
            assert_eq!(found(&compiled, "/-/a").unwrap().upstream, Upstream::parse("http://good").unwrap());
            assert_eq!(found(&compiled, "/-/b").unwrap().timeouts.total.as_secs(), 5);
        }
        let mended = compiler.compile_rows(vec![row("a", json!({"upstream": "http://mended"}))]);
        assert_eq!(found(&mended, "/-/a").unwrap().upstream, Upstream::parse("http://mended").unwrap());
        assert_eq!(mended.problems, []);
    }

    #[test]
    fn a_record_that_stays_as_it_is_is_compiled_once() {
        let mut compiler = compiler();
        let rows = vec![row("a", json!({"headers": {"X": "{env.MISSING}"}})), row("b", json!({}))];
        let first = compiler.compile_rows(rows.clone());
        let second =
            compiler.compile_rows(vec![rows[0].clone(), ProxyRow { timeout: 5.0, ..rows[1].clone() }]);
        let proxy =
            |compiled: &Compiled, number: usize| Arc::clone(&compiled.snapshot.routes().proxies()[number]);
        assert!(Arc::ptr_eq(&proxy(&first, 0), &proxy(&second, 0)));
        assert!(!Arc::ptr_eq(&proxy(&first, 1), &proxy(&second, 1)));
        assert_eq!(first.problems, second.problems, "what is wrong with it is not forgotten");
    }

    #[test]
    fn r005_fr_006_a_secret_that_changes_changes_the_header() {
        let mut compiler = compiler();
        let row = Arc::new(row("a", json!({"headers": {"X": "{secret.KEY}"}})));
        for value in ["one", "two", "two"] {
            let compiled = compiler.compile(vec![Arc::clone(&row)], ResolvedSecrets::of([("KEY", value)]));
            let [header] = found(&compiled, "/-/a").unwrap().headers.as_slice() else { panic!("one header") };
            assert!(matches!(&header.value, HeaderValue::Resolved(sent) if **sent == *value.as_bytes()));
        }
        let gone = compiler.compile(vec![row], ResolvedSecrets::default());
        assert_eq!(effects(&gone), [("a", "headers", Effect::Unresolved)]);
    }

    #[test]
    fn h1_a_rule_is_compiled_or_its_path_answers_404() {
        let good = row("a", json!({"accessRule": "@request.auth.role = 'admin'"}));
        let compiled = compiler().compile_rows(vec![good.clone()]);
        assert!(matches!(found(&compiled, "/-/a").unwrap().access_rule, AccessRule::Expression(_)));
        let typo = ProxyRow { access_rule: "@request.auth.id !=".to_owned(), ..good };
        assert_eq!(effects(&compiler().compile_rows(vec![typo])), [("a", "accessRule", Effect::NotFound)]);
    }

    #[test]
    fn a_deleted_record_leaves_no_good_version_behind() {
        let mut compiler = compiler();
        let good = row("a", json!({}));
        compiler.compile_rows(vec![good.clone()]);
        assert!(found(&compiler.compile_rows(Vec::new()), "/-/a").is_none());
        assert_eq!(effects(&compiler.compile_rows(vec![bad(good)])), [("a", "upstream", Effect::NotFound)]);
    }

    #[test]
    fn h31_the_path_of_a_bad_record_does_not_fall_to_a_shorter_one() {
        let open = row("open", json!({"path": "/-/ai", "accessRule": "true"}));
        let closed = ProxyRow {
            access_rule: "nonsense =".to_owned(),
            ..row("closed", json!({"path": "/-/ai/admin"}))
        };
        let compiled = compiler().compile_rows(vec![open, closed]);
        assert_eq!(effects(&compiled), [("closed", "accessRule", Effect::NotFound)]);
        assert!(!found(&compiled, "/-/ai/admin/users").unwrap().active);
        assert!(found(&compiled, "/-/ai/chat").unwrap().active);
    }

    #[test]
    fn a_bad_path_takes_no_place() {
        let bad_path = ProxyRow { path: "/API/x".to_owned(), ..row("a", json!({})) };
        let compiled = compiler().compile_rows(vec![bad_path]);
        assert_eq!(effects(&compiled), [("a", "path", Effect::NotFound)]);
        assert_eq!(compiled.snapshot.routes().proxies().len(), 0);
    }

    #[test]
    fn a_good_record_wins_the_path_from_the_last_version_of_a_bad_one() {
        let mut compiler = compiler();
        let first = row("a", json!({"path": "/x"}));
        compiler.compile_rows(vec![first.clone()]);
        let second = row("b", json!({"path": "/x"}));
        let moved_away_and_bad = ProxyRow { path: "/y".to_owned(), ..bad(first) };
        let compiled = compiler.compile_rows(vec![second, moved_away_and_bad]);
        assert_eq!(&*found(&compiled, "/x").unwrap().id, "b");
    }

    #[test]
    fn of_two_records_with_one_normalised_path_the_older_one_is_used() {
        let first = row("a", json!({"path": "/x"}));
        let second = ProxyRow { path: "/x/".to_owned(), ..row("b", json!({})) };
        let compiled = compiler().compile_rows(vec![first, second]);
        assert_eq!(&*found(&compiled, "/x").unwrap().id, "a");
        assert_eq!(effects(&compiled), [("b", "path", Effect::NotFound)]);
    }

    #[test]
    fn h60_what_was_counted_outlives_edits_and_bad_records_and_ends_with_its_record() {
        let mut compiler = compiler();
        let metrics = |compiled: &Compiled| Arc::clone(&found(compiled, "/-/a").unwrap().metrics);
        let first = metrics(&compiler.compile_rows(vec![row("a", json!({}))]));
        for edited in [row("a", json!({"timeout": 7})), bad(row("a", json!({}))), row("a", json!({}))] {
            assert!(Arc::ptr_eq(&first, &metrics(&compiler.compile_rows(vec![edited]))));
        }
        compiler.compile_rows(vec![]);
        let blocked = metrics(&compiler.compile_rows(vec![bad(row("a", json!({})))]));
        assert!(!Arc::ptr_eq(&first, &blocked));
        assert!(Arc::ptr_eq(&blocked, &metrics(&compiler.compile_rows(vec![row("a", json!({}))]))));
    }

    #[test]
    fn r005_us3_ac4_templates_without_a_value_are_marked_and_reported() {
        for (template, expression) in [
            ("{env.MISSING}", "env.MISSING"),
            ("x{env.BREAK}", "env.BREAK"),
            ("{secret.MISSING}", "secret.MISSING"),
        ] {
            let compiled = compiler().compile_rows(vec![row("a", json!({"headers": {"X": template}}))]);
            assert_eq!(effects(&compiled), [("a", "headers", Effect::Unresolved)], "{template}");
            assert!(compiled.problems[0].reason.starts_with(expression));
            let proxy = found(&compiled, "/-/a").unwrap();
            assert!(proxy.active);
            assert_eq!(proxy.unresolved(), Some(expression));
        }
    }

    #[test]
    fn json_of_other_programs_that_is_none_is_a_problem_of_its_field() {
        for (text, expected) in [("{", "headers"), ("[]", "headers"), ("null", ""), ("", "")] {
            let odd = ProxyRow { headers: Some(text.to_owned()), ..row("a", json!({})) };
            let compiled = compiler().compile_rows(vec![odd]);
            let fields: Vec<_> = compiled.problems.iter().map(|problem| &*problem.field).collect();
            assert_eq!(fields.join(""), expected, "{text}");
        }
    }
}
