//! What a hundred people who look at the dashboard add to a follow-up with the real `claude`.

use std::net::TcpListener;
use std::time::Duration;

use mpg_testkit::discord::Snowflake;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::agent::{begin_thread, follow_up};
use crate::home::Home;
use crate::sample::Sample;

const VIEWERS: usize = 100;
const WARM_UP: usize = 3;
const RUNS: usize = 15;

/// Between two measurements: the CLI writes its transcript behind its answer.
const PAUSE: Duration = Duration::from_millis(200);

/// A follow-up without and with viewers, in the same gateway.
pub(crate) async fn sample(home: &Home) -> (Sample, Sample) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    home.listen(&address);
    let daemon = home.start().await;
    let thread = begin_thread(home).await;
    let mut posts = 1;
    let alone = follow_ups(home, thread, &mut posts).await;
    let token = home.token().await;
    let mut viewers = JoinSet::new();
    for _ in 0..VIEWERS {
        let viewer = view(&address, &token).await;
        viewers.spawn(read(viewer));
    }
    let viewed = follow_ups(home, thread, &mut posts).await;
    assert_eq!(viewers.len(), VIEWERS, "all of them look on");
    viewers.shutdown().await;
    daemon.stop().await;
    (alone, viewed)
}

async fn follow_ups(home: &Home, thread: Snowflake, posts: &mut usize) -> Sample {
    let mut sample = Sample::default();
    for run in 0..WARM_UP + RUNS {
        sleep(PAUSE).await;
        *posts += 1;
        let took = follow_up(home, thread, *posts).await;
        if run >= WARM_UP {
            sample.add_time(took);
        }
    }
    sample
}

/// Looks at what happens, from the first event on.
async fn view(address: &str, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    stream
}

async fn read(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
