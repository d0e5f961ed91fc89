//! The data plane knows no database, no records, no control plane.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

const DATA_PLANE: [&str; 6] =
    ["gate-http", "gate-request", "gate-snapshot", "gate-upstream", "gate-proxy", "gate-traffic"];
const FORBIDDEN: [&str; 6] = ["gate-store", "gate-records", "gate-admin", "gate-otlp", "sqlx", "axum"];

fn metadata() -> Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let options = ["--offline", "--locked"].map(str::to_owned);
    MetadataCommand::new().manifest_path(manifest).other_options(options).exec().unwrap()
}

/// Names of everything that `package` depends on in a build of the product, directly or not.
fn dependencies(metadata: &Metadata, package: &PackageId) -> BTreeSet<String> {
    let nodes: HashMap<_, _> =
        metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (&node.id, node)).collect();
    let names: HashMap<_, _> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let (mut seen, mut left) = (HashSet::new(), vec![package]);
    while let Some(id) = left.pop() {
        for dependency in &nodes[id].deps {
            let product = dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development);
            if product && seen.insert(&dependency.pkg) {
                left.push(&dependency.pkg);
            }
        }
    }
    seen.into_iter().map(|id| names[id].clone()).collect()
}

fn member<'a>(metadata: &'a Metadata, name: &str) -> Option<&'a PackageId> {
    metadata
        .workspace_packages()
        .into_iter()
        .find(|package| package.name.as_str() == name)
        .map(|package| &package.id)
}

#[test]
fn r019_fr_001_r019_fr_009_r019_sc_004_the_data_plane_depends_on_nothing_of_the_control_plane() {
    let metadata = metadata();
    let present: Vec<_> =
        DATA_PLANE.into_iter().filter_map(|name| Some((name, member(&metadata, name)?))).collect();
    assert!(present.len() >= 4, "only {present:?} were found");
    let whole = dependencies(&metadata, member(&metadata, "pocketgate").unwrap());
    assert!(
        FORBIDDEN.iter().all(|name| whole.contains(*name)),
        "the binary has them all, or this test sees nothing"
    );
    for (name, package) in present {
        let found: Vec<_> = dependencies(&metadata, package)
            .into_iter()
            .filter(|name| FORBIDDEN.contains(&name.as_str()))
            .collect();
        assert!(found.is_empty(), "{name} depends on {found:?}");
    }
}

#[test]
fn only_the_store_knows_sql_and_only_the_control_plane_knows_axum() {
    let metadata = metadata();
    for (library, owner) in [("sqlx", "gate-store"), ("axum", "gate-admin")] {
        let direct: Vec<_> = metadata
            .workspace_packages()
            .into_iter()
            .filter(|package| package.name.as_str() != "pocketgate-tests")
            .filter(|package| {
                // A test may ask a database whether it agrees.
                let mut product =
                    package.dependencies.iter().filter(|it| it.kind != DependencyKind::Development);
                product.any(|dependency| dependency.name == library)
            })
            .map(|package| package.name.to_string())
            .collect();
        assert_eq!(direct, [owner], "{library}");
    }
}

#[test]
fn one_module_is_allowed_to_be_unsafe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let allows = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap().replace(char::is_whitespace, "");
        ["allow", "expect"].iter().any(|level| text.contains(&format!("{level}(unsafe_code")))
    };
    let mut found: Vec<_> =
        ["crates", "bench", "tests"].iter().flat_map(|folder| sources(&root.join(folder))).collect();
    assert!(found.len() > 300, "only {} files were found", found.len());
    found.retain(allows);
    assert_eq!(found, [root.join("crates/pocketgate/src/pages.rs")]);
}

/// All Rust files in a folder and below.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
