//! What programs ask: `/api`, and the document that describes it.

#[expect(unused_qualifications, reason = "the macro names its types in full")]
pub(crate) mod activity;
#[expect(unused_qualifications, reason = "the macro names its types in full")]
pub(crate) mod audit;
mod control;
mod delivery;
#[expect(unused_qualifications, reason = "the macro names its types in full")]
mod event;
mod message;
mod project;
pub(crate) mod request;
mod session;
mod status;
#[expect(unused_qualifications, reason = "the macro names its types in full")]
mod thread;
#[expect(unused_qualifications, reason = "the macro names its types in full")]
mod timeline;
#[expect(unused_qualifications, reason = "the macro names its types in full")]
mod turn;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Reader;
use crate::health;
use crate::metrics;
use crate::router::App;

/// All operations with their document.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document())
        .routes(routes!(health::health))
        .routes(routes!(metrics::metrics))
        .routes(routes!(session::sessions))
        .routes(routes!(project::projects))
        .routes(routes!(status::status))
        .routes(routes!(turn::turns))
        .routes(routes!(turn::turn))
        .routes(routes!(turn::queue))
        .routes(routes!(thread::thread))
        .routes(routes!(delivery::deliveries))
        .routes(routes!(delivery::redeliver))
        .routes(routes!(message::ask))
        .routes(routes!(message::tell))
        .routes(routes!(request::requests))
        .routes(routes!(request::request))
        .routes(routes!(request::answer))
        .routes(routes!(activity::summary))
        .routes(routes!(timeline::timeline))
        .routes(routes!(event::events))
        .routes(routes!(audit::audit))
        .routes(routes!(control::stop))
        .routes(routes!(control::restart))
        .routes(routes!(control::kill))
}

fn document() -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token that `mpgd token create` made."))
        .build();
    let mut components = Components::new();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("mpgd")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "What the gateway shows to programs, and does for them.",
                ))
                .build(),
        )
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, _, &str>("token", [])]))
        .build()
}

/// The document that describes all operations.
pub(crate) async fn openapi(_: Reader, State(app): State<App>) -> impl IntoResponse {
    let json = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, json)], app.document.to_string())
}
