//! A whole follow-up with the real `claude`: through the gateway, with its process alone, and with
//! a process of its own. The three take turns, so that what the machine does otherwise meets all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use mpg_testkit::claude_cli::claude;
use mpg_testkit::discord::Snowflake;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::sleep;
use uuid::Uuid;

use crate::home::{Daemon, Home};
use crate::sample::Sample;
use crate::stopped;
use crate::table::{Budget, Table, Unit};
use crate::viewed;

const RUNS: usize = 15;
const WARM_UP: usize = 3;
const PROMPT: &str = "SAY:it is done, and the tests pass";

/// Between two measurements: the CLI writes its transcript behind its answer.
const PAUSE: Duration = Duration::from_millis(200);

pub(crate) async fn measure(table: &mut Table) {
    let program = claude();
    let home = Home::new(&program).await;
    let daemon = home.start().await;
    let thread = begin_thread(&home).await;
    let mut bare = Bare::start(&home, &program, arguments_of_agent(&daemon)).await;
    let spawned = Spawned {
        home: &home,
        program: &program,
    };
    spawned.begin().await;

    let mut posts = 1;
    let (mut through, mut alone, mut anew) =
        (Sample::default(), Sample::default(), Sample::default());
    for run in 0..WARM_UP + RUNS {
        sleep(PAUSE).await;
        posts += 1;
        let gateway = follow_up(&home, thread, posts).await;
        sleep(PAUSE).await;
        let process = bare.ask().await;
        if run < WARM_UP {
            continue;
        }
        through.add_time(gateway);
        alone.add_time(process);
        sleep(PAUSE).await;
        anew.add_time(spawned.ask().await);
    }
    bare.end().await;
    let stopped = stopped::sample(&home).await;
    daemon.stop().await;
    let (unseen, viewed) = viewed::sample(&home).await;

    let seconds = Unit::Seconds;
    let what = "a warm follow-up, Discord event in → POST of the answer";
    table.row(what, seconds, &through, Budget::None);
    let what = "the same prompt to the bare warm CLI";
    table.row(what, seconds, &alone, Budget::None);
    let what = "the same prompt to a spawned `claude -p --resume`";
    table.row(what, seconds, &anew, Budget::None);
    let ratio = through.beside(&anew, |through, anew| through / anew);
    let what = "through the gateway, as a part of spawned";
    table.row(what, Unit::Times, &ratio, Budget::Median(1.0 / 8.0));
    let added = through.beside(&alone, |through, alone| through - alone);
    let what = "through the gateway, beyond the bare warm CLI";
    table.row(what, seconds, &added, Budget::Median(0.010));
    let what = "`!stop` in the chat → the end of a turn that runs a command";
    table.row(what, seconds, &stopped, Budget::Median(1.0));
    let what = "a warm follow-up of a gateway that serves the dashboard";
    table.row(what, seconds, &unseen, Budget::None);
    let what = "the same while 100 viewers look on";
    table.row(what, seconds, &viewed, Budget::None);
    let added = viewed.beside(&unseen, |viewed, unseen| viewed - unseen);
    let what = "what 100 viewers add";
    table.row(what, seconds, &added, Budget::Median(0.010));
}

pub(crate) async fn begin_thread(home: &Home) -> Snowflake {
    let message = home.discord.say(home.channel, home.ann, "SAY:ready");
    let thread = home.discord.wait_until(|world| world.thread_of(message));
    let thread = thread.await;
    home.posted(thread, 1).await;
    thread
}

pub(crate) async fn follow_up(home: &Home, thread: Snowflake, posts: usize) -> Duration {
    let begin = Instant::now();
    home.discord.say_in_thread(thread, home.ann, PROMPT);
    home.posted(thread, posts).await;
    begin.elapsed()
}

/// What the agent of the daemon was started with, from the first flag on: it is somewhere below the
/// daemon, as keepers and walls are between them.
fn arguments_of_agent(daemon: &Daemon) -> Vec<String> {
    let mut found = None;
    let mut below = children(daemon.pid());
    while let Some(process) = below.pop() {
        let line = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let arguments = line.split_terminator('\0').skip_while(|part| *part != "-p");
        let arguments: Vec<String> = arguments.map(str::to_owned).collect();
        if !arguments.is_empty() {
            found = Some(arguments);
        }
        below.extend(children(process));
    }
    found.expect("the daemon runs an agent")
}

fn children(parent: u32) -> Vec<u32> {
    let parent = format!("PPid:\t{parent}");
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let name = entry.file_name();
        let process: Option<u32> = name.to_str().and_then(|name| name.parse().ok());
        if status.lines().any(|line| line == parent) {
            children.extend(process);
        }
    }
    children
}

/// A running CLI without a gateway, with the flags that the gateway gives its own.
struct Bare {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Bare {
    async fn start(home: &Home, program: &Path, mut arguments: Vec<String>) -> Self {
        let flag = arguments.iter().position(|part| part == "--session-id");
        arguments[flag.unwrap() + 1] = session("bare");
        let mut child = home
            .command(program, "one")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut bare = Self {
            child,
            input,
            output,
        };
        bare.ask().await;
        bare
    }

    async fn ask(&mut self) -> Duration {
        let message = json!({ "role": "user", "content": PROMPT });
        let line = json!({ "type": "user", "message": message, "parent_tool_use_id": null });
        let line = format!("{line}\n");
        let begin = Instant::now();
        self.input.write_all(line.as_bytes()).await.unwrap();
        loop {
            let line = self.output.next_line().await.unwrap();
            let line: Value = serde_json::from_str(&line.expect("it answers")).unwrap();
            if line["type"] == "result" {
                let taken = begin.elapsed();
                assert_answer(&line);
                return taken;
            }
        }
    }

    async fn end(mut self) {
        drop(self.input);
        assert!(self.child.wait().await.unwrap().success());
    }
}

/// A CLI that is started for each prompt.
struct Spawned<'a> {
    home: &'a Home,
    program: &'a PathBuf,
}

impl Spawned<'_> {
    async fn begin(&self) {
        self.run("--session-id").await;
    }

    async fn ask(&self) -> Duration {
        self.run("--resume").await
    }

    async fn run(&self, entry: &str) -> Duration {
        let mut command = self.home.command(self.program, "one");
        command
            .args(["-p", entry, &session("spawned")])
            .args(["--output-format", "json", PROMPT])
            .stdin(Stdio::null());
        let begin = Instant::now();
        let output = command.output().await.unwrap();
        let taken = begin.elapsed();
        assert_answer(&serde_json::from_slice(&output.stdout).unwrap());
        taken
    }
}

fn assert_answer(result: &Value) {
    let answer = PROMPT.strip_prefix("SAY:");
    assert_eq!(result["result"].as_str(), answer, "{result}");
}

/// A session that nobody else has in the home.
fn session(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}
