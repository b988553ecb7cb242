//! How requests travel.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client that goes where a request says, and nowhere else: it knows no proxies and follows no
/// redirects.
pub(crate) type Transport = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client whose connections take at most so long to be made.
///
/// Has to be called inside a runtime, with a TLS provider installed.
pub(crate) fn transport(connect_limit: Duration) -> Transport {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(connect_limit));
    let tls = rustls::ClientConfig::builder()
        .with_webpki_roots()
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// Gives the process a TLS provider, where it has none.
pub(crate) fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may be quicker; then theirs is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}
