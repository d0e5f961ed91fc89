//! The page at `/_/` and at `/_gateway/`: what this is, for a person who opens it in a browser. The admin page will take its
//! place. What it loads it names relative to itself.

use axum::response::{Html, Redirect};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Uri};
use std::sync::LazyLock;

/// The page, on which the script for the first superuser may run and ask the gateway.
pub(crate) async fn show() -> ([(HeaderName, HeaderValue); 1], Html<&'static str>) {
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(&PAGE))
}

/// Leads to the page whoever left out the slash behind it.
pub(crate) async fn add_slash(uri: Uri) -> Redirect {
    Redirect::permanent(&format!("{}/", uri.path()))
}

/// Its style sheet, a response of its own: the content security policy allows nothing inline.
pub(crate) async fn style() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../assets/style.css"))
}

/// The form behind the link for the first superuser, likewise.
pub(crate) async fn setup_script() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../assets/setup.js"))
}

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

static PAGE: LazyLock<String> =
    LazyLock::new(|| include_str!("../assets/page.html").replace("{version}", env!("CARGO_PKG_VERSION")));

#[cfg(test)]
mod tests {
    use crate::testing::request;

    const SCRIPT: &str = r#"<script src="setup.js" defer></script>"#;

    #[tokio::test]
    async fn the_page_says_what_this_is() {
        for target in ["/_/", "/"] {
            let answer = request("GET", target, "").await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.field("content-type"), Some("text/html; charset=utf-8"));
            assert!(answer.body.contains("<title>pocketgate</title>"));
            assert!(answer.body.contains(env!("CARGO_PKG_VERSION")));
            assert!(!answer.body.contains("{version}"));
        }
    }

    #[tokio::test]
    async fn whoever_leaves_out_the_slash_is_led_to_the_page() {
        for target in ["/_", "/_gateway", "/_?x=1"] {
            let answer = request("GET", target, "").await;
            let there = format!("{}/", target.trim_end_matches("?x=1"));
            assert_eq!((answer.status, answer.field("location")), (308, Some(there.as_str())));
        }
    }

    #[tokio::test]
    async fn the_page_has_nothing_the_content_security_policy_would_block() {
        let page = request("GET", "/_/", "").await.body;
        let page = page.replace(SCRIPT, "");
        for blocked in ["<script", "<style", " style=", "javascript:", "http://", "https://", "data:"] {
            assert!(!page.contains(blocked), "{blocked}");
        }
        let handlers = page.split_whitespace().filter(|word| word.starts_with("on") && word.contains('='));
        assert_eq!(handlers.collect::<Vec<_>>(), Vec::<&str>::new());
    }

    /// Nothing else has to ask, or to run anything.
    #[tokio::test]
    async fn the_page_alone_may_run_a_script_of_ours_and_ask_us() {
        let page = request("GET", "/_/", "").await;
        let policy = page.field("content-security-policy").unwrap();
        assert!(policy.contains("; script-src 'self'; connect-src 'self'; "), "{policy}");
        for target in ["/_/setup.js", "/_/style.css", "/api/health", "/_/none"] {
            let answer = request("GET", target, "").await;
            let policy = answer.field("content-security-policy").unwrap();
            assert!(!policy.contains("script-src") && !policy.contains("connect-src"), "{target}: {policy}");
        }
    }

    #[tokio::test]
    async fn everything_the_page_loads_is_served() {
        let page = request("GET", "/_/", "").await.body;
        assert!(page.contains(r#"href="style.css""#) && page.contains(SCRIPT));
        for target in ["/_/setup.js", "/setup.js"] {
            let script = request("GET", target, "").await;
            assert_eq!(script.status, 200);
            assert_eq!(script.field("content-type"), Some("text/javascript; charset=utf-8"));
            assert!(!script.body.contains("innerHTML"), "what is shown is text");
        }
        for target in ["/_/style.css", "/style.css"] {
            let style = request("GET", target, "").await;
            assert_eq!(style.status, 200);
            assert_eq!(style.field("content-type"), Some("text/css; charset=utf-8"));
            assert!(style.body.contains("font-family"));
            assert!(!style.body.contains("url("));
        }
    }
}
