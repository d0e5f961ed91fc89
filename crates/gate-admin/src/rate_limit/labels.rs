//! What a request is called in the rules.

use gate_records::RateLimitRule;
use gate_records::collections::Collection;
use http::Method;

/// The path of a request as rules name it: with the name of its collection, by whichever name or id, in whichever
/// spelling, it was called.
pub(super) fn named_path<'a>(route: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    parameters.fold(route.to_owned(), |path, (parameter, value)| {
        let collection = Collection::find(value).filter(|_| parameter == "collection");
        path.replace(&format!("{{{parameter}}}"), collection.map_or(value, |collection| collection.name))
    })
}

/// The names of a request, the most telling first: `users:auth`, `*:auth`, `POST /api/x`, `/api/x`.
pub(super) fn labels(method: &Method, path: &str) -> Vec<String> {
    let mut labels = Vec::new();
    for tag in tags(method, path) {
        let collection = path.split('/').nth(3).unwrap_or_default();
        labels.push(format!("{collection}:{tag}"));
        labels.push(format!("*:{tag}"));
    }
    labels.push(format!("{method} {path}"));
    labels.push(path.to_owned());
    labels
}

/// The rule that counts: the first with one of the names, else the first that ends in `/` and has a name below it.
pub(super) fn rule_for<'a>(
    rules: &'a [RateLimitRule],
    labels: &[String],
    is_guest: bool,
) -> Option<&'a RateLimitRule> {
    let is_for_caller = |rule: &&RateLimitRule| match rule.audience.as_str() {
        "@guest" => is_guest,
        "@auth" => !is_guest,
        _ => true,
    };
    let exact =
        labels.iter().find_map(|label| rules.iter().filter(is_for_caller).find(|rule| rule.label == *label));
    exact.or_else(|| {
        let mut prefixes = rules.iter().filter(is_for_caller).filter(|rule| rule.label.ends_with('/'));
        prefixes.find(|rule| labels.iter().any(|label| format!("{label}/").starts_with(&rule.label)))
    })
}

/// What is done to a collection.
fn tags(method: &Method, path: &str) -> &'static [&'static str] {
    let mut segments = path.strip_prefix("/api/collections/").unwrap_or_default().split('/').skip(1);
    match (method.as_str(), segments.next(), segments.next(), segments.next()) {
        ("POST", Some("auth-with-password"), None, None) => &["authWithPassword", "auth"],
        ("POST", Some("auth-refresh"), None, None) => &["authRefresh"],
        ("GET" | "HEAD", Some("auth-methods"), None, None) => &["listAuthMethods"],
        ("GET" | "HEAD", Some("records"), None, None) => &["list"],
        ("GET" | "HEAD", Some("records"), Some(_), None) => &["view"],
        ("POST", Some("records"), None, None) => &["create"],
        ("PATCH", Some("records"), Some(_), None) => &["update"],
        ("DELETE", Some("records"), Some(_), None) => &["delete"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(label: &str, audience: &str) -> RateLimitRule {
        RateLimitRule { label: label.to_owned(), audience: audience.to_owned(), ..RateLimitRule::default() }
    }

    #[track_caller]
    fn check(method: &Method, path: &str, is_guest: bool, expected: Option<&str>) {
        let rules = [
            rule("/api/", ""),
            rule("*:auth", ""),
            rule("users:auth", "@auth"),
            rule("/api/batch", ""),
            rule("GET /api/batch", ""),
            rule("*:create", "@guest"),
        ];
        let found = rule_for(&rules, &labels(method, path), is_guest);
        assert_eq!(found.map(|rule| rule.label.as_str()), expected, "{method} {path}");
    }

    #[test]
    fn a_collection_has_one_name_however_it_is_called() {
        let route = "/api/collections/{collection}/records/{id}";
        for called in ["users", "USERS", "_pb_users_auth_"] {
            let path = named_path(route, [("collection", called), ("id", "USERS")].into_iter());
            assert_eq!(path, "/api/collections/users/records/USERS");
        }
        let unknown = named_path(route, [("collection", "Unknown"), ("id", "x")].into_iter());
        assert_eq!(unknown, "/api/collections/Unknown/records/x");
    }

    #[test]
    fn the_most_telling_name_counts() {
        let login = "/api/collections/users/auth-with-password";
        check(&Method::POST, login, true, Some("*:auth"));
        check(&Method::POST, login, false, Some("users:auth"));
        check(&Method::GET, login, true, Some("/api/"));
        check(&Method::POST, "/api/batch", true, Some("/api/batch"));
        check(&Method::GET, "/api/batch", true, Some("GET /api/batch"));
        check(&Method::POST, "/api/collections/users/records", true, Some("*:create"));
        check(&Method::POST, "/api/collections/users/records", false, Some("/api/"));
        check(&Method::GET, "/_/", true, None);
    }
}
