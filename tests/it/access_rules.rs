//! Access rules mean what they say, whoever asks (contract §2.4, D-5; defects H3 to H6).

use crate::administrator::{Administrator, User};
use crate::identity::{get, proxy, start};
use crate::setup::assert_refused;
use gate_testkit::{Gateway, Upstream};
use serde_json::{Value, json};

/// A gateway with users, and with a proxy a rule.
struct House {
    gateway: Gateway,
    upstream: Upstream,
}

/// Who passes: a guest, a user, a superuser.
type Passes = [bool; 3];

impl House {
    async fn open() -> Self {
        let (gateway, upstream) = start().await;
        House { gateway, upstream }
    }

    /// Checks who passes a rule; each rule gets a proxy of its own.
    async fn check(&self, administrator: &Administrator<'_>, user: &User, rule: &str, expected: Passes) {
        let path = format!("/-/{:x}", rand::random::<u64>());
        administrator.proxy(proxy(&self.upstream, rule, &json!({"path": path}))).await;
        let callers = [(None, 401), (Some(&user.token), 403), (Some(&administrator.token), 403)];
        for ((token, refusal), passes) in callers.into_iter().zip(expected) {
            let status = get(&self.gateway, &path, token.map(String::as_str), &[]).await.status();
            assert_eq!(status, if passes { 200 } else { refusal }, "{rule:?}");
        }
    }
}

#[tokio::test]
async fn h3_spacing_and_quotes_do_not_change_who_passes() {
    let house = House::open().await;
    let administrator = Administrator::of(&house.gateway).await;
    let user = administrator.user("Bob").await;
    for rule in ["@request.auth.id!=''", "@request.auth.id != \"\"", "  @request.auth.id   !=   ''  "] {
        house.check(&administrator, &user, rule, [false, true, true]).await;
    }
    for rule in ["@request.auth.id=''", " @request.auth.id = \"\" "] {
        house.check(&administrator, &user, rule, [true, false, true]).await;
    }
    house.check(&administrator, &user, " true ", [true; 3]).await;
    house.check(&administrator, &user, "\tfalse\n", [false; 3]).await;
    house.check(&administrator, &user, "   ", [false, false, true]).await;
}

#[tokio::test]
async fn h4_a_rule_names_the_collection_it_means() {
    let house = House::open().await;
    let administrator = Administrator::of(&house.gateway).await;
    let user = administrator.user("Bob").await;
    let rule =
        |collection: &str| format!("@request.auth.id != '' && @request.auth.collectionName = '{collection}'");
    house.check(&administrator, &user, &rule("users"), [false, true, true]).await;
    house.check(&administrator, &user, &rule("staff"), [false, false, true]).await;
    let by_id = "@request.auth.collectionId = '_pb_users_auth_'";
    house.check(&administrator, &user, by_id, [false, true, true]).await;
}

#[tokio::test]
async fn h5_rules_and_headers_see_the_whole_record_of_the_caller() {
    let house = House::open().await;
    let administrator = Administrator::of(&house.gateway).await;
    let user = administrator.user("Bob").await;
    let record = format!("/api/collections/users/records/{}", user.id);
    let record = administrator.must("GET", &record, &Value::Null).await;
    assert_eq!(record["emailVisibility"], false, "what the fork left out of rules");
    let email = record["email"].as_str().unwrap();
    let rule = format!("@request.auth.email = '{email}' && @request.auth.emailVisibility = false");
    let headers = json!({"headers": {"X-Email": "@request.auth.email"}});
    administrator.proxy(proxy(&house.upstream, &rule, &headers)).await;
    assert_eq!(get(&house.gateway, "/-/up", Some(&user.token), &[]).await.status(), 200);
    assert_eq!(house.upstream.ledger.only_request().head.headers.values("x-email"), [email]);
    let other = administrator.user("Ann").await;
    assert_refused(&get(&house.gateway, "/-/up", Some(&other.token), &[]).await, 403, "forbidden");
}

#[tokio::test]
async fn h6_a_superuser_passes_whatever_a_rule_says_but_false() {
    let house = House::open().await;
    let administrator = Administrator::of(&house.gateway).await;
    let user = administrator.user("Bob").await;
    house.check(&administrator, &user, "@request.auth.id = ''", [true, false, true]).await;
    house.check(&administrator, &user, "@request.auth.collectionName = 'users'", [false, true, true]).await;
    house.check(&administrator, &user, "1 = 2", [false, false, true]).await;
    house.check(&administrator, &user, "false", [false; 3]).await;
}
