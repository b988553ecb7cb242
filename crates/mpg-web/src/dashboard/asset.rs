//! What pages look like, and what keeps them new.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

const STYLE: &str = include_str!("../../assets/dashboard.css");
const SCRIPT: &str = include_str!("../../assets/dashboard.js");

pub(crate) async fn style() -> impl IntoResponse {
    let css = HeaderValue::from_static("text/css; charset=utf-8");
    ([(CONTENT_TYPE, css)], STYLE)
}

pub(crate) async fn script() -> impl IntoResponse {
    let javascript = HeaderValue::from_static("text/javascript; charset=utf-8");
    ([(CONTENT_TYPE, javascript)], SCRIPT)
}
