//! Chromium without a window, driven through its driver over HTTP.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::home::{Home, kill, processes_in};

/// How long anything in a page may take before a test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one window. It goes with the test; where that ends well, it has to be closed before
/// anything looks for what is left behind.
pub(crate) struct Browser {
    /// Whose processes are ended with it.
    home: PathBuf,
    driver: Child,
    client: Client<HttpConnector, String>,
    session: String,
}

impl Browser {
    /// Opens a window of this size, with a profile in the test's home.
    pub(crate) async fn open(home: &Home, [width, height]: [u32; 2]) -> Self {
        // What it leaves in there when it is killed goes with the home.
        let temporary = home.path("t");
        fs::create_dir_all(&temporary).unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", home.directory())
            .env("TMPDIR", temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is needed: apt-get install chromium chromium-driver");
        let mut said = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = async {
            while let Some(line) = said.next_line().await.unwrap() {
                if let Some((_, port)) = line.split_once("successfully on port ") {
                    return port.trim_end_matches('.').to_owned();
                }
            }
            panic!("chromedriver ended");
        };
        let port = timeout(PATIENCE, port).await.unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut browser = Self {
            home: home.directory().to_owned(),
            driver,
            client,
            session: format!("http://127.0.0.1:{port}/session"),
        };
        let profile = home.path("browser");
        let options = json!({"args": [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            format!("--user-data-dir={}", profile.display()),
            format!("--window-size={width},{height}"),
        ]});
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": 60_000},
        }}});
        let made = browser.ask("POST", "", &wanted).await;
        let id = made["sessionId"].as_str().unwrap();
        browser.session = format!("{}/{id}", browser.session);
        // The window is as wide as a phone even where the browser would not let it be.
        browser
            .protocol(
                "Emulation.setDeviceMetricsOverride",
                &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
            )
            .await;
        browser
    }

    /// Goes to an address.
    pub(crate) async fn go(&self, address: &str) {
        self.ask("POST", "/url", &json!({"url": address})).await;
    }

    /// What a script returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        let script = json!({"script": script, "args": []});
        self.ask("POST", "/execute/sync", &script).await
    }

    /// Waits until an expression is true in the page that is shown.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0];\
             const look = () => ({expression}) ? done(true) : setTimeout(look, 20);\
             look();"
        );
        let script = json!({"script": script, "args": []});
        let (status, said) = self.exchange("POST", "/execute/async", &script).await;
        if status != 200 {
            let page = self.run("return document.body.innerText").await;
            panic!("{expression}: {said}\n{page}");
        }
    }

    /// Presses a key.
    pub(crate) async fn press(&self, key: char) {
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": [
            {"type": "keyDown", "value": key.to_string()},
            {"type": "keyUp", "value": key.to_string()},
        ]}]});
        self.ask("POST", "/actions", &actions).await;
    }

    /// Lets pages think that whoever looks wants them dark or light.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.protocol("Emulation.setEmulatedMedia", &media).await;
    }

    /// What the console says that is wrong.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self
            .ask("POST", "/se/log", &json!({"type": "browser"}))
            .await;
        let entries = entries.as_array().unwrap().iter();
        entries
            .filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG")
            .map(ToString::to_string)
            .collect()
    }

    /// Keeps a picture of the window.
    pub(crate) async fn picture(&self, file: &Path) {
        let picture = self.ask("GET", "/screenshot", &Value::Null).await;
        let picture = STANDARD.decode(picture.as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
        fs::write(file, picture).unwrap();
    }

    /// Closes the window, and ends what drove it.
    pub(crate) async fn close(mut self) {
        self.ask("DELETE", "", &Value::Null).await;
        self.driver.kill().await.unwrap();
    }

    async fn protocol(&self, command: &str, parameters: &Value) {
        let command = json!({"cmd": command, "params": parameters});
        self.ask("POST", "/goog/cdp/execute", &command).await;
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, said) = self.exchange(method, path, body).await;
        assert_eq!(status, 200, "{path}: {said}");
        said
    }

    async fn exchange(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = ::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.session))
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        let answer = timeout(2 * PATIENCE, self.client.request(request)).await;
        let answer = answer.unwrap().unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let mut said: Value = serde_json::from_slice(&body).unwrap();
        (status, said["value"].take())
    }
}

impl Drop for Browser {
    /// The driver does not take the browser with it when it is killed.
    fn drop(&mut self) {
        for (pid, line) in processes_in(&self.home) {
            if line.contains("chrom") {
                kill(pid);
            }
        }
    }
}
