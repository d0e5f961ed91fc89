//! The page at `/_/` and at `/_gateway/`: what this is, for a person who opens it in a browser. The admin page will take its
//! place. What it loads it names relative to itself.

use axum::response::{Html, Redirect};
use http::Uri;
use http::header::{CONTENT_TYPE, HeaderName};
use std::sync::LazyLock;

/// The page.
pub(crate) async fn show() -> Html<&'static str> {
    Html(&PAGE)
}

/// Leads to the page whoever left out the slash behind it.
pub(crate) async fn add_slash(uri: Uri) -> Redirect {
    Redirect::permanent(&format!("{}/", uri.path()))
}

/// Its style sheet, a response of its own: the content security policy allows nothing inline.
pub(crate) async fn style() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../assets/style.css"))
}

static PAGE: LazyLock<String> =
    LazyLock::new(|| include_str!("../assets/page.html").replace("{version}", env!("CARGO_PKG_VERSION")));

#[cfg(test)]
mod tests {
    use crate::testing::request;

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
        for blocked in ["<script", "<style", "style=", "onclick=", "onload=", "http://", "https://", "data:"]
        {
            assert!(!page.contains(blocked), "{blocked}");
        }
    }

    #[tokio::test]
    async fn everything_the_page_loads_is_served() {
        let page = request("GET", "/_/", "").await.body;
        assert!(page.contains(r#"href="style.css""#));
        for target in ["/_/style.css", "/style.css"] {
            let style = request("GET", target, "").await;
            assert_eq!(style.status, 200);
            assert_eq!(style.field("content-type"), Some("text/css; charset=utf-8"));
            assert!(style.body.contains("font-family"));
            assert!(!style.body.contains("url("));
        }
    }
}
