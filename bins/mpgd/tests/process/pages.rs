//! The dashboard in a browser.

use std::path::Path;

use crate::browser::Browser;
use crate::home::{Daemon, Home, output};
use crate::http::{address, serves};
use crate::requests::touch;

const DESK: [u32; 2] = [1_200, 860];
const PHONE: [u32; 2] = [390, 844];

/// The pages that do not depend on what was said.
const PAGES: [(&str, &str); 10] = [
    ("/", "Overview"),
    ("/requests", "Requests"),
    ("/projects", "Projects"),
    ("/sessions", "Sessions"),
    ("/queue", "Queue"),
    ("/turns", "Turns"),
    ("/deliveries", "Deliveries"),
    ("/activity", "Activity"),
    ("/audit", "Audit"),
    ("/configuration", "Configuration"),
];

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

async fn served(home: &Home) -> (Daemon, String) {
    serves(home);
    let daemon = home.start().await;
    let address = address(home).await;
    (daemon, format!("http://{address}"))
}

async fn link(home: &Home) -> String {
    let made = output(&mut home.command(&["dashboard"])).await;
    let text = String::from_utf8(made.stdout).unwrap();
    text.lines().last().unwrap().to_owned()
}

async fn is_shown(browser: &Browser, heading: &str) {
    let script = format!("document.querySelector('h1')?.textContent === '{heading}'");
    browser.until(&script).await;
}

/// Opens the page of the thread that was spoken in.
async fn open_conversation(browser: &Browser, origin: &str) {
    browser.go(&format!("{origin}/")).await;
    browser
        .until("document.querySelector('main a[href^=\"/threads/\"]')")
        .await;
    browser
        .run("document.querySelector('main a[href^=\"/threads/\"]').click()")
        .await;
    is_shown(browser, "Conversation").await;
    browser
        .until("document.getElementById('line').textContent === 'live'")
        .await;
}

#[tokio::test]
async fn every_page_is_seen_on_desks_and_phones() {
    let home = Home::new("").await;
    let (daemon, origin) = served(&home).await;
    let message = home.say(home.one, "SAY:**all** tests pass");
    home.answers(message, 1).await;

    for (name, size) in [("desk", DESK), ("phone", PHONE)] {
        let browser = Browser::open(&home, size).await;
        browser.go(&link(&home).await).await;
        is_shown(&browser, "Overview").await;
        for (path, heading) in PAGES {
            browser.go(&format!("{origin}{path}")).await;
            is_shown(&browser, heading).await;
            let fits = "return document.documentElement.scrollWidth <= innerWidth";
            assert_eq!(browser.run(fits).await, true, "{path} on a {name}");
            if size == PHONE {
                // Where each cell says what it is, the heads of columns would stand in the way.
                let heads = "return [...document.querySelectorAll('thead')]\
                             .every((head) => head.getBoundingClientRect().width <= 1)";
                assert_eq!(browser.run(heads).await, true, "{path}");
            }
            keep(&browser, &format!("{name}-{}", heading.to_lowercase())).await;
        }
        open_conversation(&browser, &origin).await;
        let fits = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.run(fits).await, true, "a conversation on a {name}");
        keep(&browser, &format!("{name}-conversation")).await;
        let ground = "return getComputedStyle(document.body).backgroundColor";
        browser.prefer("light").await;
        let light = browser.run(ground).await;
        browser.prefer("dark").await;
        assert_ne!(browser.run(ground).await, light, "it is dark at night");
        keep(&browser, &format!("{name}-conversation-dark")).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
        browser.close().await;
    }
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

/// Keeps a picture where somebody wants to look at it.
async fn keep(browser: &Browser, name: &str) {
    if let Some(directory) = std::env::var_os("MPG_SCREENSHOTS") {
        let file = Path::new(&directory).join(format!("{name}.png"));
        browser.picture(&file).await;
    }
}

#[tokio::test]
async fn a_page_shows_what_happens_and_stops_what_runs() {
    let home = Home::new("").await;
    let (daemon, origin) = served(&home).await;
    let message = home.say(home.one, "SAY:<img src=x onerror=\"document.title='bad'\">");
    home.answers(message, 1).await;
    let browser = Browser::open(&home, DESK).await;
    browser.go(&link(&home).await).await;
    is_shown(&browser, "Overview").await;
    open_conversation(&browser, &origin).await;
    browser.run("window.theSame = true").await;

    home.say_in_thread_of(message, "HANG").await;
    browser
        .until("document.querySelector('.state.working')")
        .await;
    browser
        .until("[...document.querySelectorAll('.ask')].at(-1).textContent.includes('HANG')")
        .await;
    home.api.asked("HANG").await;
    browser
        .run("document.querySelector('form[action$=\"/stop\"] button').click()")
        .await;
    browser
        .until("document.getElementById('said').textContent.includes('stopped')")
        .await;
    browser
        .until("!document.querySelector('.state.working')")
        .await;
    assert_eq!(browser.run("return window.theSame").await, true, "no load");
    assert_eq!(browser.run("return document.images.length").await, 0);
    assert_ne!(browser.run("return document.title").await, "bad");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_used_link_is_refused_and_keys_are_enough() {
    let home = Home::new("").await;
    let (daemon, origin) = served(&home).await;
    let browser = Browser::open(&home, DESK).await;
    browser.go(&format!("{origin}/sessions")).await;
    is_shown(&browser, "mpg").await;
    let link = link(&home).await;
    browser.go(&link).await;
    is_shown(&browser, "Overview").await;

    // The first key leads past what all pages have.
    browser.go(&format!("{origin}/projects")).await;
    browser.press(TAB).await;
    let focused = "return document.activeElement.className";
    assert_eq!(browser.run(focused).await, "skip");
    browser.press(ENTER).await;
    browser
        .until("document.activeElement.id === 'content'")
        .await;
    browser.press(TAB).await;
    browser.press(ENTER).await;
    is_shown(&browser, "one").await;

    browser
        .run("document.querySelector('form[action=\"/logout\"] button').click()")
        .await;
    is_shown(&browser, "mpg").await;
    browser.go("about:blank").await;
    browser.go(&link).await;
    browser
        .until("document.querySelector('[role=alert]')?.textContent.includes('was used')")
        .await;
    browser.close().await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_permission_is_given_in_the_inbox() {
    let home = Home::new("").await;
    let (daemon, origin) = served(&home).await;
    let browser = Browser::open(&home, PHONE).await;
    browser.go(&link(&home).await).await;
    is_shown(&browser, "Overview").await;
    browser.go(&format!("{origin}/requests")).await;
    is_shown(&browser, "Requests").await;
    browser
        .until("document.getElementById('line').textContent === 'live'")
        .await;

    let message = home.say(home.one, &touch("allowed.txt"));
    // It comes by itself, and so does the count.
    browser
        .until("document.querySelector('.request')?.textContent.includes('touch allowed.txt')")
        .await;
    browser
        .until("document.getElementById('waiting').textContent.includes('1')")
        .await;
    let fits = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(fits).await, true);
    keep(&browser, "phone-requests").await;
    // What somebody writes stays while the page is made new.
    browser
        .run(
            "document.querySelector('.request details').open = true;\
             document.querySelector('.request textarea').value = 'not to';",
        )
        .await;
    browser.run("return refresh()").await;
    let kept = "return document.querySelector('.request textarea').value";
    assert_eq!(browser.run(kept).await, "not to");
    browser
        .run("[...document.querySelectorAll('.request button')].find((one) => one.textContent === 'Allow once').click()")
        .await;
    browser
        .until("document.getElementById('said').textContent.includes('it is answered')")
        .await;
    browser.until("!document.querySelector('.request')").await;
    browser
        .until("document.getElementById('waiting').textContent === ''")
        .await;
    home.says(message, "done with allowed.txt").await;
    assert!(home.path("one/allowed.txt").exists());
    home.says(message, "allowed once by `dashboard`").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_browser_goes_with_its_test() {
    let home = Home::new("").await;
    let browser = Browser::open(&home, DESK).await;
    assert!(!home.processes().is_empty());
    drop(browser);
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    while !home.processes().is_empty() {
        look.tick().await;
    }
}

#[tokio::test]
async fn a_conversation_is_held_in_the_browser() {
    let home = Home::new("").await;
    std::fs::create_dir(home.path("desk")).unwrap();
    home.configure(
        "[projects.one]",
        "[projects.desk]\ndirectory = \"~/desk\"\nchannels = [\"web:desk\"]\nverbosity = \"normal\"\n[projects.one]",
    );
    let (daemon, origin) = served(&home).await;
    let browser = Browser::open(&home, PHONE).await;
    browser.go(&link(&home).await).await;
    is_shown(&browser, "Overview").await;
    browser.go(&format!("{origin}/chat")).await;
    is_shown(&browser, "Chat").await;
    let write = async |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        let script = format!(
            "const form = document.querySelector('form.say');\
             form.elements.text.value = {text};\
             form.requestSubmit();"
        );
        browser.run(&script).await;
    };
    write(&touch("allowed.txt")).await;
    is_shown(&browser, "Conversation").await;
    browser
        .until("[...document.querySelectorAll('.transcript button')].some((one) => one.textContent === 'Allow once')")
        .await;
    assert!(!home.path("desk/allowed.txt").exists());
    keep(&browser, "phone-chat").await;
    let fits = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(fits).await, true);
    browser
        .run("[...document.querySelectorAll('.transcript button')].find((one) => one.textContent === 'Allow once').click()")
        .await;
    let said = |text: &str| {
        format!(
            "[...document.querySelectorAll('.transcript .post')].filter((one) => one.textContent.includes('{text}')).length === 1"
        )
    };
    browser.until(&said("done with allowed.txt")).await;
    browser.until(&said("allowed once by dashboard")).await;
    assert!(home.path("desk/allowed.txt").exists());

    // What is being written is seen, and stopped.
    write("STALL:the first half").await;
    browser
        .until("document.getElementById('writing').textContent.includes('the first half')")
        .await;
    browser
        .run("document.querySelector('form[action$=\"/stop\"] button').click()")
        .await;
    browser
        .until("document.getElementById('writing').textContent === ''")
        .await;
    let here = browser.run("return location.pathname").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    assert_eq!(daemon.stop().await.code(), Some(0));

    // The next gateway shows it as it was, once, and goes on with it.
    let daemon = home.start().await;
    let origin = format!("http://{}", address(&home).await);
    browser
        .go(&format!("{origin}{}", here.as_str().unwrap()))
        .await;
    is_shown(&browser, "Conversation").await;
    browser.until(&said("done with allowed.txt")).await;
    write("SAY:and on").await;
    browser.until(&said("and on")).await;
    browser.close().await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
