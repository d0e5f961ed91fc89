//! What it takes to make the stored proxies be the ones in a document.

use crate::proxies::{CheckedProxy, ProxyRecord, normalise_path};
use crate::secrets::ResolvedSecrets;
use crate::{EnvironmentPolicy, FieldError, FieldErrors};
use gate_store::{Change, ProxyRow};
use std::collections::{BTreeMap, BTreeSet};

/// What it takes to make the stored proxies be the ones in a document. Proxies are the same when their paths are,
/// so that a document says nothing of ids and can be used on any installation, any number of times.
#[derive(Debug)]
pub struct Plan {
    /// One for every proxy of the document, and for every one that is taken away, by path.
    pub entries: Vec<Entry>,
}

/// What happens to one proxy.
#[derive(Debug)]
pub struct Entry {
    /// Its path.
    pub path: String,
    /// What happens to it.
    pub outcome: Outcome,
    /// As it is stored. `None` when it is new, or what is stored cannot be read.
    pub before: Option<ProxyRecord>,
    /// As the document has it. `None` when it is taken away.
    pub after: Option<ProxyRecord>,
    /// What deserves a look.
    pub warnings: FieldErrors,
    change: Option<Change>,
}

/// What happens to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is new.
    Added,
    /// It is there and will be different.
    Changed,
    /// It is there already.
    Unchanged,
    /// It is not in the document.
    Removed,
}

/// A proxy of a document that cannot be stored.
#[derive(Debug, PartialEq)]
pub struct Rejected {
    /// Its place in the document, from 0.
    pub position: usize,
    /// Its path, as somebody typed it.
    pub path: String,
    /// Why.
    pub errors: FieldErrors,
}

impl Plan {
    /// Compares the stored proxies with the wanted ones; those nobody wants stay, unless `prune` is set.
    ///
    /// # Errors
    /// Every proxy that cannot be stored.
    pub fn new(
        stored: &[ProxyRow],
        wanted: Vec<ProxyRecord>,
        prune: bool,
        environment: &EnvironmentPolicy,
        secrets: &ResolvedSecrets,
    ) -> Result<Self, Vec<Rejected>> {
        let wanted = check_all(wanted)?;
        let mut by_path = by_path(stored);
        let compare = |proxy: &CheckedProxy| {
            let warnings = proxy.warnings(environment, secrets);
            Entry::new(proxy, by_path.remove(&proxy.record().path), warnings)
        };
        let mut entries: Vec<Entry> = wanted.iter().map(compare).collect();
        if prune {
            entries.extend(by_path.into_values().map(Entry::removed));
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Plan { entries })
    }

    /// The writes, in an order in which none is in the way of another.
    pub fn into_changes(self) -> Vec<Change> {
        let mut changes: Vec<Change> = self.entries.into_iter().filter_map(|entry| entry.change).collect();
        changes.sort_by_key(|change| !matches!(change, Change::Delete { .. }));
        changes
    }
}

impl Entry {
    fn new(proxy: &CheckedProxy, stored: Option<&ProxyRow>, warnings: FieldErrors) -> Self {
        let after = proxy.record();
        let before = stored.and_then(|row| ProxyRecord::from_row(row).ok());
        let (outcome, change) = match stored {
            None => (Outcome::Added, Some(Change::Insert(proxy.new_row()))),
            Some(_) if before.as_ref() == Some(after) => (Outcome::Unchanged, None),
            Some(row) => {
                // Somebody may change it between now and the write: that is theirs to keep.
                let expected_updated = Some(row.updated.clone());
                (Outcome::Changed, Some(Change::Update { row: proxy.row_after(row), expected_updated }))
            }
        };
        Entry { path: after.path.clone(), outcome, before, after: Some(after.clone()), warnings, change }
    }

    fn removed(row: &ProxyRow) -> Self {
        Entry {
            path: row.path.clone(),
            outcome: Outcome::Removed,
            before: ProxyRecord::from_row(row).ok(),
            after: None,
            warnings: FieldErrors::default(),
            change: Some(Change::Delete { id: row.id.clone() }),
        }
    }
}

fn check_all(wanted: Vec<ProxyRecord>) -> Result<Vec<CheckedProxy>, Vec<Rejected>> {
    let mut checked = Vec::with_capacity(wanted.len());
    let mut rejected = Vec::new();
    let mut paths = BTreeSet::new();
    for (position, record) in wanted.into_iter().enumerate() {
        let path = record.path.clone();
        match record.check() {
            Ok(proxy) if paths.insert(proxy.record().path.clone()) => checked.push(proxy),
            Ok(_) => {
                let errors = FieldErrors::of("path", FieldError::not_unique());
                rejected.push(Rejected { position, path, errors });
            }
            Err(errors) => rejected.push(Rejected { position, path, errors }),
        }
    }
    if rejected.is_empty() { Ok(checked) } else { Err(rejected) }
}

/// The stored rows by their normalised paths. One that another program stored in another form is found by its
/// normalised path as well, unless a row has just that.
fn by_path(stored: &[ProxyRow]) -> BTreeMap<String, &ProxyRow> {
    let mut by_path: BTreeMap<String, &ProxyRow> = stored.iter().map(|row| (row.path.clone(), row)).collect();
    for row in stored {
        if let Some(path) = normalise_path(&row.path)
            && !by_path.contains_key(&path)
        {
            by_path.remove(&row.path);
            by_path.insert(path, row);
        }
    }
    by_path
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn environment() -> EnvironmentPolicy {
        EnvironmentPolicy::with_reader([], |_| Some("value".to_owned()))
    }

    fn record(path: &str, timeout: u32) -> ProxyRecord {
        ProxyRecord {
            path: path.to_owned(),
            upstream: "http://a".to_owned(),
            timeout: f64::from(timeout),
            ..ProxyRecord::default()
        }
    }

    fn row(path: &str, timeout: u32) -> ProxyRow {
        record(path, timeout).check().unwrap().new_row()
    }

    fn plan(stored: &[ProxyRow], wanted: Vec<ProxyRecord>, prune: bool) -> Plan {
        Plan::new(stored, wanted, prune, &environment(), &ResolvedSecrets::default()).unwrap()
    }

    /// What a store does with changes; like a store it takes no path twice at any moment.
    fn apply(stored: &mut Vec<ProxyRow>, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Insert(row) => stored.push(row),
                Change::Update { row, expected_updated } => {
                    let place = stored.iter_mut().find(|stored| stored.id == row.id).unwrap();
                    assert_eq!(expected_updated.as_ref(), Some(&place.updated));
                    *place = row;
                }
                Change::Delete { id } => stored.retain(|stored| stored.id != id),
            }
            let paths: BTreeSet<_> = stored.iter().map(|row| &row.path).collect();
            assert_eq!(paths.len(), stored.len());
        }
    }

    fn outcomes(plan: &Plan) -> Vec<(&str, Outcome)> {
        plan.entries.iter().map(|entry| (&*entry.path, entry.outcome)).collect()
    }

    #[test]
    fn proxies_are_recognised_by_their_paths() {
        let stored = [row("/a", 1), row("/b", 1), row("/c", 1)];
        let wanted = vec![record("/d/", 1), record("/b", 2), record("//a", 1)];
        let plan = plan(&stored, wanted, false);
        assert_eq!(
            outcomes(&plan),
            [("/a", Outcome::Unchanged), ("/b", Outcome::Changed), ("/d", Outcome::Added)]
        );
    }

    #[test]
    fn what_nobody_wants_is_removed_only_when_asked_for() {
        let stored = [row("/a", 1), row("/b", 1)];
        assert_eq!(outcomes(&plan(&stored, vec![record("/a", 1)], false)), [("/a", Outcome::Unchanged)]);
        assert_eq!(
            outcomes(&plan(&stored, vec![record("/a", 1)], true)),
            [("/a", Outcome::Unchanged), ("/b", Outcome::Removed)]
        );
    }

    #[test]
    fn a_row_that_cannot_be_read_is_replaced() {
        let odd = ProxyRow { headers: Some("{".to_owned()), ..row("/a", 1) };
        let plan = plan(std::slice::from_ref(&odd), vec![record("/a", 1)], false);
        assert_eq!(outcomes(&plan), [("/a", Outcome::Changed)]);
        let mut stored = vec![odd.clone()];
        apply(&mut stored, plan.into_changes());
        assert_eq!((&stored[0].id, &stored[0].headers), (&odd.id, &None));
    }

    #[test]
    fn rows_of_other_programs_are_found_by_their_normalised_paths() {
        let odd = ProxyRow { path: "/a/".to_owned(), ..row("/a", 1) };
        assert_eq!(
            outcomes(&plan(std::slice::from_ref(&odd), vec![record("/a", 1)], true)),
            [("/a", Outcome::Changed)]
        );
        let both = [odd, row("/a", 1)];
        assert_eq!(
            outcomes(&plan(&both, vec![record("/a", 1)], true)),
            [("/a", Outcome::Unchanged), ("/a/", Outcome::Removed)]
        );
    }

    #[test]
    fn every_proxy_that_cannot_be_stored_is_named_with_its_place() {
        let wanted = vec![record("/a", 1), record("/api", 1), record("/a/", 1), record("/b", 100_000)];
        let rejected =
            Plan::new(&[], wanted, false, &environment(), &ResolvedSecrets::default()).unwrap_err();
        let named: Vec<_> = rejected.iter().map(|rejected| (rejected.position, &*rejected.path)).collect();
        assert_eq!(named, [(1, "/api"), (2, "/a/"), (3, "/b")]);
    }

    #[test]
    fn an_unchanged_proxy_is_not_written() {
        let with_json = |value| ProxyRecord { timeout_config: value, ..record("/a", 1) };
        let stored = [with_json(json!({"dial": 3})).check().unwrap().new_row()];
        let plan = plan(&stored, vec![with_json(json!({"dial": 3.0}))], false);
        assert_eq!(plan.into_changes(), []);
    }

    fn records() -> impl Strategy<Value = Vec<ProxyRecord>> {
        let one = ("/[a-e]", 1..4_u32).prop_map(|(path, timeout)| record(&path, timeout));
        prop::collection::vec(one, 0..6).prop_map(|mut records| {
            records.sort_by(|a, b| a.path.cmp(&b.path));
            records.dedup_by(|a, b| a.path == b.path);
            records
        })
    }

    proptest! {
        #[test]
        fn importing_a_document_makes_it_so_and_importing_it_again_changes_nothing(
            before in records(), wanted in records(), prune: bool,
        ) {
            let mut stored: Vec<ProxyRow> = before.into_iter().map(|record| record.check().unwrap().new_row()).collect();
            let kept = stored.len();
            let changes = plan(&stored, wanted.clone(), prune).into_changes();
            apply(&mut stored, changes);
            for record in &wanted {
                let found = stored.iter().find(|row| row.path == record.path).map(ProxyRecord::from_row);
                prop_assert_eq!(found, Some(Ok(record.clone())));
            }
            let wanted_alone = stored.len() == wanted.len();
            prop_assert!(wanted_alone || (!prune && stored.len() >= kept));

            let again = plan(&stored, wanted, prune);
            prop_assert!(again.entries.iter().all(|entry| entry.outcome == Outcome::Unchanged));
            prop_assert_eq!(again.into_changes(), []);
        }
    }
}
