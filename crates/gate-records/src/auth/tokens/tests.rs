use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const TOKEN_KEY: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX";
const SECRET: &str = "0123456789012345678901234567890123456789012345678x";
const NOW: i64 = 1_800_000_000;

fn key() -> SigningKey {
    SigningKey::new(TOKEN_KEY, SECRET).unwrap()
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW.cast_unsigned())
}

fn claims() -> Claims {
    Claims {
        collection_id: "_pb_users_auth_".to_owned(),
        exp: NOW + 60,
        id: "abcdefghij01234".to_owned(),
        refreshable: Some(true),
        kind: TokenKind::Auth,
    }
}

fn accepted(token: &str) -> Result<Claims, InvalidToken> {
    UnverifiedToken::parse(token, now())?.verify(&key())
}

/// A token of any header and any claims, signed with the right key as ours are.
fn signed(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = key().mac(signed.as_bytes()).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Our claims with some members changed; null takes one away.
fn with(changes: &Value) -> String {
    let mut members = serde_json::to_value(claims()).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        members[name] = value.clone();
    }
    members.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    members.to_string()
}

#[track_caller]
fn check_header(header: &str, is_accepted: bool) {
    assert_eq!(accepted(&signed(header, &with(&json!({})))).is_ok(), is_accepted, "{header}");
}

#[track_caller]
fn check_claims(claims: &str, is_accepted: bool) {
    assert_eq!(accepted(&signed(HEADER, claims)).is_ok(), is_accepted, "{claims}");
}

#[test]
fn a_token_has_pocketbases_bytes() {
    let token = claims().sign(&key());
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts[0], "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9");
    let expected = format!(
        r#"{{"collectionId":"_pb_users_auth_","exp":{},"id":"abcdefghij01234","refreshable":true,"type":"auth"}}"#,
        NOW + 60
    );
    assert_eq!(String::from_utf8(decode(parts[1]).unwrap()).unwrap(), expected);
}

/// Made with Python's `hmac` and `base64`.
#[test]
fn a_signature_is_that_of_another_implementation() {
    let token = claims().sign(&key());
    assert_eq!(token.rsplit_once('.').unwrap().1, "kx0qhedX2GfI8CCyykqvXJGDKDqe59C0gjgbhQxJwa0");
}

#[test]
fn what_is_signed_is_accepted() {
    let token = claims().sign(&key());
    assert_eq!(accepted(&token), Ok(claims()));
    assert_eq!(UnverifiedToken::parse(&token, now()).unwrap().claims(), &claims());
}

#[test]
fn no_algorithm_but_hs256_is_accepted() {
    check_header(r#"{"alg":"HS256","typ":"JWT"}"#, true);
    check_header(r#"{"alg":"HS256"}"#, true);
    for alg in ["none", "None", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "hs256", "HS256 "] {
        check_header(&json!({"alg": alg, "typ": "JWT"}).to_string(), false);
    }
    check_header(r#"{"typ":"JWT"}"#, false);
    check_header(r#"{"alg":["HS256"],"typ":"JWT"}"#, false);
    check_header(r#"{"alg":"HS256","typ":"JWE"}"#, false);
}

#[test]
fn an_unsigned_token_is_refused() {
    let token = claims().sign(&key());
    let signed = token.rsplit_once('.').unwrap().0;
    for unsigned in [signed.to_owned(), format!("{signed}."), format!("{signed}.AA")] {
        assert_eq!(accepted(&unsigned), Err(InvalidToken), "{unsigned}");
    }
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let claims = URL_SAFE_NO_PAD.encode(with(&json!({})));
    assert_eq!(accepted(&format!("{header}.{claims}.")), Err(InvalidToken));
}

#[test]
fn headers_that_choose_the_key_are_refused() {
    for member in [
        r#""kid":"../../dev/null""#,
        r#""kid":"' OR 1=1 --""#,
        r#""jku":"https://evil.example/keys""#,
        r#""jwk":{"kty":"oct","k":"AA"}"#,
        r#""x5u":"https://evil.example/cert""#,
        r#""x5c":["AA"]"#,
        r#""crit":["exp"]"#,
        r#""b64":false"#,
        r#""alg":"none""#,
    ] {
        check_header(&format!(r#"{{"alg":"HS256","typ":"JWT",{member}}}"#), false);
    }
}

#[test]
fn r_d16_exp_is_required_whole_and_ahead() {
    check_claims(&with(&json!({})), true);
    for exp in [
        json!(null),
        json!(NOW.to_string()),
        json!(1_800_000_060.5),
        json!(true),
        json!([NOW + 60]),
        json!(0),
        json!(-1),
    ] {
        check_claims(&with(&json!({"exp": exp})), false);
    }
    check_claims(&with(&json!({})).replace("1800000060", "1.80000006e9"), false);
    check_claims(&with(&json!({})).replace("1800000060", "99999999999999999999"), false);
    check_claims(&with(&json!({"exp": NOW})), false);
    check_claims(&with(&json!({"exp": NOW + 1})), true);
    check_claims(&with(&json!({"exp": i64::MAX})), true);
}

#[test]
fn nbf_and_iat_are_honoured_where_they_are() {
    for name in ["nbf", "iat"] {
        check_claims(&with(&json!({name: NOW})), true);
        check_claims(&with(&json!({name: NOW + 1})), false);
        check_claims(&with(&json!({name: i64::MAX})), false);
        check_claims(&with(&json!({name: NOW.to_string()})), false);
        check_claims(&with(&json!({name: 1.5})), false);
    }
    check_claims(&with(&json!({"nbf": NOW, "iat": NOW + 1})), false);
}

#[test]
fn every_claim_is_needed_once_and_in_its_type() {
    for name in ["collectionId", "id", "type"] {
        check_claims(&with(&json!({name: null})), false);
        check_claims(&with(&json!({name: 1})), false);
        check_claims(&with(&json!({name: ["auth"]})), false);
    }
    check_claims(&with(&json!({"refreshable": null})), true);
    check_claims(&with(&json!({"refreshable": "true"})), false);
    for kind in ["passwordReset", "verification", "Auth", ""] {
        check_claims(&with(&json!({"type": kind})), false);
    }
    check_claims(&with(&json!({"name": "of an extra claim"})), true);
    for duplicate in [r#""exp":9999999999"#, r#""id":"other""#, r#""type":"auth""#, r#""nbf":1,"nbf":2"#] {
        check_claims(&with(&json!({})).replacen('{', &format!("{{{duplicate},"), 1), false);
    }
    check_claims("[]", false);
    check_claims("null", false);
    check_claims("", false);
    check_claims(&format!("{} {{}}", with(&json!({}))), false);
    check_claims(&format!("{{\"deep\":{}1{}}}", "[".repeat(1000), "]".repeat(1000)), false);
}

#[test]
fn a_token_of_another_key_is_refused() {
    let token = claims().sign(&key());
    let others = [(SECRET, SECRET), (TOKEN_KEY, TOKEN_KEY), (SECRET, TOKEN_KEY)];
    for (token_key, secret) in others {
        let other = SigningKey::new(token_key, secret).unwrap();
        assert_eq!(UnverifiedToken::parse(&token, now()).unwrap().verify(&other), Err(InvalidToken));
    }
}

#[test]
fn a_key_that_is_no_secret_is_none() {
    for (token_key, secret) in [("", ""), ("", SECRET), (TOKEN_KEY, ""), ("short", SECRET)] {
        assert_eq!(SigningKey::new(token_key, secret).map(drop), Err(InvalidToken));
    }
    assert_eq!(format!("{:?}", key()), "SigningKey(***)");
}

#[test]
fn every_other_spelling_of_a_token_is_refused() {
    let token = claims().sign(&key());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    // The last character of 32 bytes has two bits to spare.
    let last = signature.chars().last().unwrap();
    let spare_bits: Vec<String> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        .chars()
        .filter(|character| *character != last)
        .map(|character| format!("{signed}.{}{character}", &signature[..42]))
        .collect();
    for other in spare_bits {
        assert_eq!(accepted(&other), Err(InvalidToken), "{other}");
    }
    for other in [
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{token}."),
        format!(".{token}"),
        token.replacen('.', "..", 1),
        token.replacen('.', "=.", 1),
        format!("{signed}.{}+/", &signature[..41]),
    ] {
        assert_eq!(accepted(&other), Err(InvalidToken), "{other}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let token = claims().sign(&key());
    for length in 0..token.len() {
        assert_eq!(accepted(&token[..length]), Err(InvalidToken), "{length}");
    }
}

#[test]
fn a_token_of_a_megabyte_is_refused() {
    let long = with(&json!({"padding": "x".repeat(1 << 20)}));
    assert_eq!(accepted(&signed(HEADER, &long)), Err(InvalidToken));
    assert_eq!(accepted(&"a".repeat(1 << 20)), Err(InvalidToken));
    assert_eq!(accepted(&".".repeat(1 << 20)), Err(InvalidToken));
}

#[test]
fn a_clock_that_jumps_decides_by_what_it_says_now() {
    let token = claims().sign(&key());
    for (seconds, is_valid) in [(0, true), (NOW + 59, true), (NOW + 60, false), (i64::MAX / 1_000_000, false)]
    {
        let moment = UNIX_EPOCH + Duration::from_secs(seconds.cast_unsigned());
        assert_eq!(UnverifiedToken::parse(&token, moment).is_ok(), is_valid, "{seconds}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_none_is_accepted(text in "\\PC{0,200}") {
        prop_assert_eq!(accepted(&text), Err(InvalidToken));
    }

    #[test]
    fn a_changed_byte_makes_a_token_invalid(position in 0usize..200, byte in 0x20u8..0x7f) {
        let token = claims().sign(&key());
        let mut bytes = token.clone().into_bytes();
        let position = position % bytes.len();
        bytes[position] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(accepted(&changed).is_ok(), changed == token);
    }
}
