//! What the server answers to a request that it does not carry out.

use serde_json::{Value, json};

/// A refusal: an HTTP status and the JSON error object behind it.
///
/// The codes are those of Discord's page on opcodes and status codes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
    pub(super) errors: Option<Value>,
}

/// Refusals that need no more than their name.
macro_rules! refusals {
    ($($name:ident = $status:literal $code:literal $message:literal;)*) => {
        impl Refusal {
            $(pub(super) fn $name() -> Self {
                Self::new($status, $code, $message)
            })*
        }
    };
}

refusals! {
    unauthorized = 401 0 "401: Unauthorized";
    not_found = 404 0 "404: Not Found";
    method_not_allowed = 405 0 "405: Method Not Allowed";
    too_large = 413 40005 "Request entity too large";
    unknown_channel = 404 10003 "Unknown Channel";
    unknown_guild = 404 10004 "Unknown Guild";
    unknown_member = 404 10007 "Unknown Member";
    unknown_message = 404 10008 "Unknown Message";
    unknown_user = 404 10013 "Unknown User";
    unknown_emoji = 400 10014 "Unknown Emoji";
    unknown_webhook = 404 10015 "Unknown Webhook";
    invalid_webhook_token = 401 50027 "Invalid Webhook Token";
    unknown_interaction = 404 10062 "Unknown interaction";
    not_this_application = 403 20012 "You are not authorized to perform this action on this application";
    too_many_pins = 400 30003 "Maximum number of pins reached (250)";
    too_many_reactions = 400 30010 "Maximum number of reactions reached (20)";
    already_acknowledged = 400 40060 "Interaction has already been acknowledged.";
    missing_access = 403 50001 "Missing Access";
    not_the_author = 403 50005 "Cannot edit a message authored by another user";
    empty_message = 400 50006 "Cannot send an empty message";
    missing_permissions = 403 50013 "Missing Permissions";
    system_message = 403 50021 "Cannot execute action on a system message";
    wrong_channel_type = 400 50024 "Cannot execute action on this channel type";
    archived_thread = 400 50083 "Thread is archived";
    invalid_json = 400 50109 "The request body contains invalid JSON.";
    thread_exists = 400 160_004 "A thread has already been created for this message";
    locked_thread = 403 160_005 "Thread is locked";
}

impl Refusal {
    pub(super) fn new(status: u16, code: u32, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
            errors: None,
        }
    }

    /// A form with an error in one field. `path` names the field, with dots between its parts.
    pub(super) fn form(path: &str, code: &str, message: impl Into<String>) -> Self {
        let leaf = json!({"_errors": [{"code": code, "message": message.into()}]});
        let errors = path.rsplit('.').fold(leaf, |inner, part| {
            let mut outer = serde_json::Map::new();
            outer.insert(part.to_owned(), inner);
            Value::Object(outer)
        });
        Self {
            status: 400,
            code: 50035,
            message: "Invalid Form Body".to_owned(),
            errors: Some(errors),
        }
    }

    /// A body that is neither JSON nor a form with files.
    pub(super) fn content_type() -> Self {
        let mut refusal = Self::new(400, 50035, "Invalid Form Body");
        refusal.errors = Some(json!({"_errors": [{
            "code": "CONTENT_TYPE_INVALID",
            "message": "Expected \"Content-Type\" header to be one of {'application/json'}.",
        }]}));
        refusal
    }

    /// The error object.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if let (Some(errors), Some(object)) = (&self.errors, body.as_object_mut()) {
            object.insert("errors".to_owned(), errors.clone());
        }
        body
    }
}
