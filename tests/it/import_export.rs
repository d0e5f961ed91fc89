//! `proxies export` and `proxies import`: one document, idempotent, shown before it is done.

use crate::cli::{UPSTREAM, add, assert_refuses, proxies};

/// A directory with two proxies, and its export in a file.
async fn exported() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let config = "{\"dial\":3,\"response_header\":0}";
    add(directory.path(), "/-/a", &["--timeout", "7", "--timeout-config", config, "--strip-path", "false"])
        .await
        .succeeded();
    add(directory.path(), "/-/b", &["--header", "X-Key: {env.KEY}", "--active", "false", "--name", "b"])
        .await
        .succeeded();
    let document = proxies(directory.path(), &["export"]).await.succeeded();
    std::fs::write(directory.path().join("exported.yaml"), &document).unwrap();
    (directory, document)
}

#[tokio::test]
async fn an_export_imports_into_an_empty_directory_unchanged() {
    let (directory, document) = exported().await;
    let file = directory.path().join("exported.yaml");
    let copy = tempfile::tempdir().unwrap();
    proxies(copy.path(), &["import", file.to_str().unwrap()]).await.succeeded();
    assert_eq!(proxies(copy.path(), &["export"]).await.succeeded(), document);
}

#[tokio::test]
async fn an_import_is_idempotent() {
    let (directory, document) = exported().await;
    let file = directory.path().join("exported.yaml");
    for _ in 0..3 {
        proxies(directory.path(), &["import", file.to_str().unwrap()]).await.succeeded();
        assert_eq!(proxies(directory.path(), &["export"]).await.succeeded(), document);
    }
}

#[tokio::test]
async fn a_dry_run_shows_the_difference_and_changes_nothing() {
    let (directory, document) = exported().await;
    let edited = directory.path().join("edited.yaml");
    std::fs::write(&edited, document.replace(UPSTREAM, "http://127.0.0.1:10")).unwrap();
    let edited = edited.to_str().unwrap();
    let difference = proxies(directory.path(), &["import", edited, "--dry-run"]).await.succeeded();
    assert!(difference.contains(UPSTREAM) && difference.contains("http://127.0.0.1:10"), "{difference}");
    assert_eq!(proxies(directory.path(), &["export"]).await.succeeded(), document);
    proxies(directory.path(), &["import", edited]).await.succeeded();
    let nothing = proxies(directory.path(), &["import", edited, "--dry-run"]).await.succeeded();
    assert!(!nothing.contains(UPSTREAM), "{nothing}");
}

#[tokio::test]
async fn a_bad_document_changes_nothing() {
    let (directory, document) = exported().await;
    for bad in [
        document.replace("/-/b", "/api/b"),
        document.replace("/-/b", "/-/a"),
        document.replace("http:", "gopher:"),
        "{".to_owned(),
        "just text".to_owned(),
    ] {
        let file = directory.path().join("bad.yaml");
        std::fs::write(&file, &bad).unwrap();
        let output = proxies(directory.path(), &["import", file.to_str().unwrap()]).await;
        assert!(matches!(output.code, Some(1 | 2)), "{bad}: {output:#?}");
        assert_eq!(proxies(directory.path(), &["export"]).await.succeeded(), document, "{bad}");
    }
    assert_refuses(
        &proxies(directory.path(), &["import", "no-such-file.yaml"]).await,
        &["no-such-file.yaml"],
    );
}
