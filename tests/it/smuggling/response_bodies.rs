//! Response bodies that end too early or too late (rows C1 to C3, C8): a truncated one never looks
//! complete, a longer one never spills into the next exchange.

use std::time::Duration;

use gate_testkit::{Answer, BodyEnd, ByHand, Gateway, PATIENCE, Proxy, eventually};

use crate::setup::in_front_of;

const CUT_SHORT: [&str; 7] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX-Sum: 1\r\n",
];

/// The client must see a failure: an answer that says so, or a body that visibly does not end.
async fn assert_visibly_cut(gateway: &Gateway, name: &str) {
    let response = gateway.get("/-/up").await;
    if response.status() == 200 {
        assert_eq!(response.end, BodyEnd::Truncated, "{name}");
    } else {
        assert_eq!((response.status(), response.end), (502, BodyEnd::Complete), "{name}");
    }
}

#[tokio::test]
async fn c2_r019_ec1_a_truncated_body_never_looks_complete() {
    for answer in CUT_SHORT {
        let (gateway, _upstream) = in_front_of(Answer::then_close(answer)).await;
        assert_visibly_cut(&gateway, answer).await;
        gateway.logged(|line| line.field("reason") == "upstream_truncated").await;
        let (gateway, _upstream) = in_front_of(Answer::then_reset(answer)).await;
        assert_visibly_cut(&gateway, answer).await;
    }
}

#[tokio::test]
async fn c2_an_http_1_0_client_sees_a_cut_body_with_length() {
    let (gateway, _upstream) = in_front_of(Answer::then_close(CUT_SHORT[0])).await;
    let mut client = gateway.connect().await;
    client.send("GET /-/up HTTP/1.0\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().end, BodyEnd::Truncated);
}

#[tokio::test]
async fn c2_bad_chunks_after_the_head_cut_the_body() {
    for body in [
        "4\r\nhalf\r\nzz\r\n",
        "4\r\nhalf\r\n+4\r\nmore\r\n0\r\n\r\n",
        "4\r\nhalfmore\r\n0\r\n\r\n",
        "4\nhalf\n0\n\n",
        "4\r\nhalf\r\n\r\n0\r\n\r\n",
        "4\r\nhalf\r\nffffffffffffffffff\r\n",
        "4\r\nhalf\r\n0\r\nno colon\r\n\r\n",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        let (gateway, upstream) = in_front_of(Answer::then_keep_open(answer)).await;
        assert_visibly_cut(&gateway, body).await;
        eventually(PATIENCE, || upstream.ledger.open() == 0).await;
    }
}

#[tokio::test]
async fn c3_bytes_after_the_end_are_dropped_with_their_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nEXTRA",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
    ] {
        let (gateway, upstream) = in_front_of(Answer::then_keep_open(answer)).await;
        let mut client = gateway.connect().await;
        for round in 1..=3 {
            let response = client.get("/-/up").await;
            assert_eq!((response.text().as_str(), response.end), ("ok", BodyEnd::Complete), "{answer}");
            assert_eq!(upstream.ledger.accepted(), round, "{answer}: the connection was used again");
        }
    }
}

#[tokio::test]
async fn c3_a_body_where_none_may_be_is_dropped_with_its_connection() {
    let with_body = "Content-Length: 5\r\n\r\nhello";
    for (method, answer) in [
        ("HEAD", format!("HTTP/1.1 200 OK\r\n{with_body}")),
        ("GET", format!("HTTP/1.1 304 Not Modified\r\n{with_body}")),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\nhello".to_owned()),
    ] {
        let (gateway, upstream) = in_front_of(Answer::then_keep_open(answer.clone())).await;
        let mut client = gateway.connect().await;
        for round in 1..=2 {
            let response = client.request(method, "/-/up", &[], b"").await;
            assert_eq!(response.body.len(), 0, "{answer}");
            assert_eq!(upstream.ledger.accepted(), round, "{answer}: the connection was used again");
        }
    }
}

#[tokio::test]
async fn c3_an_unsolicited_response_on_an_idle_connection_is_never_delivered() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().text(), "first");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil").await.unwrap();
    // The poison has arrived at the latest when the gateway hangs up; one that looks only before it uses a
    // connection again does not, so the wait has an end.
    let _hung_up = tokio::time::timeout(Duration::from_millis(200), peer.until_closed()).await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    upstream.accept_request().await.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().text(), "second");
}

#[tokio::test]
async fn c8_a_body_up_to_the_end_of_the_connection_is_complete_when_that_is_orderly() {
    let (gateway, _upstream) = in_front_of(Answer::then_close("HTTP/1.1 200 OK\r\n\r\nall of it")).await;
    let response = gateway.get("/-/up").await;
    assert_eq!((response.text().as_str(), response.end), ("all of it", BodyEnd::Complete));
}

#[tokio::test]
async fn c8_a_body_up_to_a_reset_is_not_complete() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    peer.send("HTTP/1.1 200 OK\r\n\r\nsome of it").await.unwrap();
    assert_eq!(client.read_head().await.unwrap().status, 200);
    assert_eq!(client.read_part().await.unwrap().unwrap(), b"some of it");
    peer.reset().unwrap();
    assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Truncated);
}
