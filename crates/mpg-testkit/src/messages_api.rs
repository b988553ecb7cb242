//! A loopback stand-in for the Messages API that the `claude` command line talks to.

mod reply;
mod script;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::script::Script;

/// How many requests are remembered; older ones are forgotten.
const LOG_LIMIT: usize = 1_000;
/// How large a request may be, in bytes.
const BODY_LIMIT: usize = 64 << 20;

/// A Messages API on a loopback port, told by the prompts themselves what to answer.
///
/// Each line of the last prompt that begins with a directive is one step, in order:
///
/// | directive | what the model does |
/// |---|---|
/// | `SAY:text` | answers; `\n` stands for a line break |
/// | `LONG:n` | answers with `n` characters |
/// | `THINK:text` | thinks before its next step |
/// | `TOOL:Name:{json}` | calls a tool, and goes on with the next line when its result is there |
/// | `WAIT:ms` | waits before its next step |
/// | `HOLD:name` | waits before its next step until `name` is [released](MessagesApi::release) |
/// | `AND:Name:{json}` | calls a tool together with the one that follows |
/// | `STALL:text` | begins an answer and never ends it |
/// | `HANG` | never answers |
/// | `FAIL:status` | fails with an HTTP status |
///
/// An agent with a [part](MessagesApi::cast) follows that instead of its prompts.
///
/// A prompt without a directive is answered with `echo: ` and its last line; one whose directives
/// are used up, with `done`. The server closes when this is dropped.
#[derive(Debug)]
pub struct MessagesApi {
    address: SocketAddr,
    log: Arc<Log>,
    server: JoinHandle<()>,
}

/// One request to the model, as the server got it.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// The whole body.
    pub body: Value,
}

#[derive(Debug)]
struct Log {
    requests: Mutex<VecDeque<ModelRequest>>,
    count: watch::Sender<usize>,
    parts: Mutex<Vec<(String, Vec<String>)>>,
    released: watch::Sender<BTreeSet<String>>,
}

impl MessagesApi {
    /// Starts a server on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// Where loopback cannot be bound.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("loopback has free ports");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let log = Arc::new(Log {
            requests: Mutex::default(),
            count: watch::Sender::new(0),
            parts: Mutex::default(),
            released: watch::Sender::default(),
        });
        let router = Router::new()
            .route("/", get(|| async { "" }))
            .route("/v1/messages", post(messages))
            .route("/v1/messages/count_tokens", post(count_tokens))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(Arc::clone(&log));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the Messages API stand-in ended");
            }
        });
        Self {
            address,
            log,
            server,
        }
    }

    /// Where it listens, for `ANTHROPIC_BASE_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Gives the agents in whose system prompt `marker` stands a part: their first prompt is answered
    /// by the directives of the first text, the second one by those of the second. Prompts beyond
    /// the part are answered as any other.
    pub fn cast(&self, marker: &str, part: &[&str]) {
        let part = part.iter().map(|&text| text.to_owned()).collect();
        let mut parts = self
            .log
            .parts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        parts.push((marker.to_owned(), part));
    }

    /// Lets everything go on that holds for `name`, now and from now on.
    pub fn release(&self, name: &str) {
        let released = &self.log.released;
        released.send_modify(|released| _ = released.insert(name.to_owned()));
    }

    /// All requests to the model so far, oldest first, the CLI's side requests included.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.log.lock().iter().cloned().collect()
    }

    /// The requests that belong to turns.
    pub fn turn_requests(&self) -> Vec<ModelRequest> {
        let mut requests = self.requests();
        requests.retain(ModelRequest::is_turn);
        requests
    }

    /// Waits until the model was asked something in which `text` occurs.
    ///
    /// # Panics
    ///
    /// Never: the server, which this holds, is what would have to be gone.
    pub async fn asked(&self, text: &str) -> ModelRequest {
        let mut count = self.log.count.subscribe();
        loop {
            count.borrow_and_update();
            if let Some(request) = self
                .requests()
                .into_iter()
                .find(|request| request.is_turn() && request.prompts().join("\n").contains(text))
            {
                return request;
            }
            count.changed().await.expect("the sender is held by self");
        }
    }
}

impl Drop for MessagesApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl ModelRequest {
    /// Whether this is a turn of a session, and not one of the CLI's own questions (a title, a
    /// check of the quota), which are asked without the system prompt of an agent.
    pub fn is_turn(&self) -> bool {
        let system = self.system();
        self.body["stream"] == true
            && (system.contains("Claude agent") || system.contains("Claude Code"))
            && self.body["max_tokens"] != 1
    }

    /// The system prompt, its blocks joined by line breaks.
    pub fn system(&self) -> String {
        texts(&self.body["system"]).join("\n")
    }

    /// The texts of all user messages, oldest first, without the CLI's own reminders.
    pub fn prompts(&self) -> Vec<String> {
        script::prompts(&self.body)
            .map(|(_, text)| text.to_owned())
            .collect()
    }

    /// The texts of all earlier answers, oldest first.
    pub fn answers(&self) -> Vec<String> {
        self.messages("assistant")
            .flat_map(|message| texts(&message["content"]))
            .collect()
    }

    /// The texts of all tool results, oldest first, each with whether it is an error.
    pub fn tool_results(&self) -> Vec<(String, bool)> {
        self.messages("user")
            .filter_map(|message| message["content"].as_array())
            .flatten()
            .filter(|block| block["type"] == "tool_result")
            .map(|block| {
                let text = texts(&block["content"]).join("\n");
                (text, block["is_error"] == true)
            })
            .collect()
    }

    /// The media types of the images that the model is shown, oldest first.
    pub fn images(&self) -> Vec<String> {
        self.messages("user")
            .filter_map(|message| message["content"].as_array())
            .flatten()
            .filter(|block| block["type"] == "image")
            .filter_map(|block| block["source"]["media_type"].as_str())
            .map(str::to_owned)
            .collect()
    }

    /// The names of the tools that exist for the model.
    pub fn tools(&self) -> Vec<String> {
        self.body["tools"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|tool| tool["name"].as_str().map(str::to_owned))
            .collect()
    }

    fn messages(&self, role: &'static str) -> impl Iterator<Item = &Value> {
        self.body["messages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(move |message| message["role"] == role)
    }
}

/// The environment in which the real CLI talks to `url` alone and writes below `home` alone.
///
/// `PATH` is the test's own; nothing else of its environment is in it.
pub fn cli_environment(home: &Path, url: &str) -> BTreeMap<String, String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let home = home.display().to_string();
    [
        ("PATH", path.as_str()),
        ("HOME", &home),
        ("LANG", "C.UTF-8"),
        ("ANTHROPIC_BASE_URL", url),
        ("ANTHROPIC_API_KEY", "sk-ant-loopback"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("DISABLE_TELEMETRY", "1"),
        ("DISABLE_ERROR_REPORTING", "1"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

impl Log {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<ModelRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the part of a request's agent says of its last prompt.
    fn line(&self, request: &ModelRequest) -> Option<String> {
        if !request.is_turn() {
            return None;
        }
        let system = request.system();
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, part) = parts.iter().find(|(marker, _)| system.contains(marker))?;
        let last = request.prompts().len().checked_sub(1)?;
        part.get(last).cloned()
    }

    async fn released(&self, name: &str) {
        let mut released = self.released.subscribe();
        // The sender is held by `self`, so this ends with a release alone.
        drop(released.wait_for(|released| released.contains(name)).await);
    }

    fn push(&self, request: ModelRequest) {
        let mut requests = self.lock();
        if requests.len() == LOG_LIMIT {
            requests.pop_front();
        }
        requests.push_back(request);
        drop(requests);
        self.count.send_modify(|count| *count += 1);
    }
}

async fn messages(State(log): State<Arc<Log>>, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return reply::failure(400, "the body is not JSON");
    };
    let stream = body["stream"] == true;
    let model = body["model"].as_str().unwrap_or("claude").to_owned();
    let size = body.to_string().len();
    let request = ModelRequest { body };
    let script = Script::of(&request.body, log.line(&request).as_deref());
    log.push(request);
    reply::play(script, &log, stream, &model, size).await
}

async fn count_tokens(body: Bytes) -> Response {
    reply::json(&serde_json::json!({ "input_tokens": reply::tokens(body.len()) }))
}

/// The texts of a content that is one text or a list of blocks.
fn texts(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block["text"].as_str().map(str::to_owned))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}
