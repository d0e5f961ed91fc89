//! What it takes to make the stored proxies be the ones in a document.

use crate::proxies::{CheckedProxy, ProxyRecord, normalise_path};
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
    ) -> Result<Self, Vec<Rejected>> {
        let wanted = check_all(wanted)?;
        let mut by_path = by_path(stored);
        let compare =
            |proxy: &CheckedProxy| Entry::new(proxy, by_path.remove(&proxy.record().path), environment);
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
    fn new(proxy: &CheckedProxy, stored: Option<&ProxyRow>, environment: &EnvironmentPolicy) -> Self {
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
        Entry {
            path: after.path.clone(),
            outcome,
            before,
            after: Some(after.clone()),
            warnings: proxy.warnings(environment),
            change,
        }
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
        match record.check_for_save() {
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
