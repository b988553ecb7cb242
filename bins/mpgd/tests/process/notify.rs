//! What a service manager is told, by a socket of the test's own.

use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram as StdDatagram};
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::home::Home;

const PATIENCE: Duration = Duration::from_mins(1);

/// The service manager's end.
struct Manager(UnixDatagram);

impl Manager {
    /// Waits for a message with this variable in it, and returns all up to that one.
    async fn told(&self, variable: &str) -> String {
        let mut all = String::new();
        let mut buffer = [0; 4_096];
        let told = timeout(PATIENCE, async {
            while !all.contains(variable) {
                let length = self.0.recv(&mut buffer).await.unwrap();
                all.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
            }
        });
        let told = told.await;
        assert!(told.is_ok(), "no {variable} in {all}");
        all
    }
}

#[tokio::test]
async fn the_service_manager_is_told_how_it_is() {
    let home = Home::new("").await;
    home.configure(
        "\"DISCORD_*\"",
        "\"DISCORD_*\", \"NOTIFY_*\", \"WATCHDOG_*\"",
    );
    let path = home.path("notify");
    let manager = Manager(UnixDatagram::bind(&path).unwrap());
    let environment = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "200000"),
    ];
    let mut daemon = home.start_with(&environment).await;

    let first = manager.told("READY=1\n").await;
    assert_eq!(first.matches("READY=1").count(), 1, "{first}");
    let connected = "STATUS=0 turns running, 0 waiting; discord connected\n";
    assert!(first.contains(connected), "{first}");
    // It is fed again and again.
    for _ in 0..3 {
        let more = manager.told("WATCHDOG=1\n").await;
        assert!(!more.contains("READY=1"), "{more}");
    }

    let message = home.say(home.one, "HOLD:it\nSAY:to the end");
    home.api.asked("SAY:to the end").await;
    manager.told("STATUS=1 turn running").await;
    for agent in home.agents() {
        let environment = fs::read(format!("/proc/{agent}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains("NOTIFY_SOCKET"), "{environment}");
        assert!(!environment.contains("WATCHDOG_USEC"), "{environment}");
    }

    daemon.signal("TERM");
    let last = manager.told("STOPPING=1\n").await;
    assert!(last.contains("EXTEND_TIMEOUT_USEC=50000000\n"), "{last}");
    // A turn that is waited for is no stuck loop.
    manager.told("WATCHDOG=1\n").await;
    home.api.release("it");
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert_eq!(home.answers(message, 1).await, ["to the end"]);
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_socket_without_a_file_is_told_too() {
    let home = Home::new("").await;
    let name = home.path("manager").to_str().unwrap().replace('/', "-");
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = StdDatagram::bind_addr(&address).unwrap();
    socket.set_nonblocking(true).unwrap();
    let manager = Manager(UnixDatagram::from_std(socket).unwrap());

    let daemon = home
        .start_with(&[("NOTIFY_SOCKET", &format!("@{name}"))])
        .await;
    let first = manager.told("READY=1\n").await;
    assert!(!first.contains("WATCHDOG"), "{first}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    manager.told("STOPPING=1\n").await;
}

#[tokio::test]
async fn a_manager_that_is_not_there_stops_nothing() {
    let home = Home::new("").await;
    let nowhere = home.path("nowhere");
    let daemon = home
        .start_with(&[("NOTIFY_SOCKET", nowhere.to_str().unwrap())])
        .await;
    let message = home.say(home.one, "SAY:all the same");
    assert_eq!(home.answers(message, 1).await, ["all the same"]);
    assert_eq!(daemon.stop().await.code(), Some(0));
}
