//! The page in a real browser: Debian's `chromium`, without a window, driven over its DevTools protocol.
//!
//! The protocol goes through two pipes (`--remote-debugging-pipe`), so that nothing but the browser is
//! needed. Pictures of what was seen are left in `target/tmp/browser`. Without a browser the tests say so and pass;
//! `.ci/run` installs one.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use data_encoding::BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pages::Seen;
use crate::server::{DEADLINE, wait_for};

/// The names under which systems have the browser.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What makes it start without a window and ask nobody but this machine.
const OPTIONS: [&str; 11] = [
    "--headless",
    "--remote-debugging-pipe",
    // Tests run as root in containers, where its sandbox does not work; it sees our own page only.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// A browser that shows one page.
struct Browser {
    process: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    /// What happened in the page since somebody looked.
    events: VecDeque<Value>,
    last_id: u64,
    session: Option<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts it. `None`: there is none on this machine.
    fn start() -> Option<Self> {
        let is_there = |name: &&&str| {
            let version = Command::new(name).arg("--version").output();
            version.is_ok_and(|version| version.status.success())
        };
        let Some(name) = NAMES.iter().find(is_there) else {
            eprintln!("skipped: there is none of {NAMES:?} on this machine; Debian's package is `chromium`");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // The browser reads commands from descriptor 3 and answers on 4.
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>&2", name])
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, messages) = mpsc::channel();
        let answers = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("the protocol is JSON");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let commands = process.stdin.take().unwrap();
        let (events, last_id, session) = (VecDeque::new(), 0, None);
        let mut browser = Self { process, commands, messages, events, last_id, session, _profile: profile };
        browser.attach();
        Some(browser)
    }

    /// Opens the one page.
    fn attach(&mut self) {
        let target = self.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attached =
            self.ask("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            self.ask(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Sends a command, and returns its result.
    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        write!(self.commands, "{command}\0").expect("the browser runs");
        loop {
            let message = self.messages.recv_timeout(DEADLINE).expect("the browser answers");
            if message["id"] == json!(self.last_id) {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    /// Runs JavaScript in the page, and returns what it comes to.
    fn run(&mut self, script: &str) -> Value {
        let parameters = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let result = self.ask("Runtime.evaluate", parameters);
        assert!(result["exceptionDetails"].is_null(), "{script}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// Waits until something holds in the page.
    fn sees(&mut self, condition: &str) {
        wait_for(condition, || (self.run(condition) == json!(true)).then_some(()));
    }

    /// Waits until an element has this in its text.
    fn reads(&mut self, selector: &str, text: &str) {
        let [selector, text] = [selector, text].map(|part| json!(part).to_string());
        self.sees(&format!(
            "[...document.querySelectorAll({selector})].some((one) => one.textContent.includes({text}))"
        ));
    }

    fn size(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size);
    }

    fn open(&mut self, url: &str) {
        self.ask("Page.navigate", json!({ "url": url }));
    }

    fn click(&mut self, selector: &str) {
        let selector = json!(selector).to_string();
        self.sees(&format!("(document.querySelector({selector})?.checkVisibility() && !document.querySelector({selector}).disabled) === true"));
        self.run(&format!("document.querySelector({selector}).click()"));
    }

    /// Types into a field, in place of what is there, as a keyboard does.
    fn types(&mut self, selector: &str, text: &str) {
        let selector = json!(selector).to_string();
        self.run(&format!(
            "document.querySelector({selector}).focus(); document.querySelector({selector}).select()"
        ));
        self.ask("Input.insertText", json!({ "text": text }));
    }

    fn presses_tab(&mut self) {
        let key = json!({ "type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
        self.ask("Input.dispatchKeyEvent", key);
        self.ask("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": "Tab", "code": "Tab" }));
    }

    fn presses_enter(&mut self) {
        let key = json!({ "type": "keyDown", "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13 });
        self.ask("Input.dispatchKeyEvent", key);
        self.ask("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": "Enter", "code": "Enter" }));
    }

    /// Checks that nothing of the page lies beside the window, and leaves a picture of all of it.
    fn shows(&mut self, name: &str, width: u32, height: u32) {
        self.size(width, height);
        let beside = self.run(
            "[...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() \
             && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1 \
             && !one.closest('.plain, pre, .hidden, .skip'))\
             .map((one) => `${one.outerHTML.slice(0, 80)} in ${one.parentElement.outerHTML.slice(0, 80)}`)",
        );
        let too_wide =
            self.run("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(too_wide, 0, "{name} at {width} is too wide: {beside:#}");
        // All of the page has room in a window that is high enough.
        let whole = self.run("document.documentElement.scrollHeight").as_u64().unwrap();
        self.size(width, u32::try_from(whole).unwrap().max(height));
        let picture = self.ask("Page.captureScreenshot", json!({}));
        let picture = BASE64.decode(picture["data"].as_str().unwrap().as_bytes()).expect("base64");
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(format!("{name}-{width}.png")), picture).unwrap();
    }

    /// Returns what the page complained about.
    fn complaints(&mut self) -> Vec<Value> {
        // An answer comes after whatever happened before it.
        self.run("0");
        let is_complaint = |event: &Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            Some("Runtime.consoleAPICalled") => event["params"]["type"] == "error",
            _ => false,
        };
        self.events.drain(..).filter(is_complaint).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a screen reader reads out with a name.
const NAMED: [&str; 9] =
    ["button", "link", "textbox", "combobox", "meter", "img", "image", "DisclosureTriangle", "checkbox"];

/// Checks that everything that can be used or that is a picture has a name for screen readers.
fn is_named(browser: &mut Browser) {
    browser.ask("Accessibility.enable", json!({}));
    let tree = browser.ask("Accessibility.getFullAXTree", json!({}));
    browser.ask("Accessibility.disable", json!({}));
    let nodes = tree["nodes"].as_array().expect("a list");
    let is_heard = |node: &&Value| {
        node["ignored"] == json!(false) && NAMED.iter().any(|role| node["role"]["value"] == json!(role))
    };
    let heard: Vec<_> = nodes.iter().filter(is_heard).collect();
    let nameless: Vec<_> = heard.iter().filter(|node| node["name"]["value"] == json!("")).collect();
    assert!(nameless.is_empty(), "without a name: {nameless:#?}");
    assert!(heard.len() > 50, "{} things with names", heard.len());
}

/// Every picture of the page is taken at these sizes: a desk and a phone.
const SIZES: [(u32, u32); 2] = [(1440, 1000), (390, 844)];

fn shows(browser: &mut Browser, name: &str) {
    SIZES.iter().for_each(|(width, height)| browser.shows(name, *width, *height));
    browser.size(1440, 1000);
}

fn row(region: &str, what: &str) -> String {
    format!("document.querySelector('#region-{region}')?.{what} === true")
}

#[test]
fn a_region_breaks_and_heals_before_the_eyes_of_those_who_watch() {
    let Some(mut browser) = Browser::start() else { return };
    let seen = Seen::start();
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    browser.sees("document.querySelectorAll('#regions tr[data-phase]').length === 6");
    browser.sees("document.querySelectorAll('#map .countries > *').length > 150");
    browser.reads("#live", "live");
    tell_of_first_view(&mut browser);
    shows(&mut browser, "normal");

    seen.regions.break_("osaka");
    browser.sees(&row("osaka", "matches('[data-phase=down]')"));
    browser.sees("document.querySelector('#mark-osaka').matches('[data-phase=down]')");
    browser.reads("#summary", "osaka is down since");
    browser.reads("#incidents li[data-severity=warning] summary", "osaka is down");
    browser.reads("#timeline li[data-severity=warning]", "osaka");
    browser.click("#region-osaka .toggle");
    browser.reads("#details-osaka li", "status 503");
    shows(&mut browser, "down");

    seen.regions.heal("osaka");
    browser.sees(&row("osaka", "matches('[data-phase=healthy]')"));
    browser.sees("document.querySelectorAll('#standing li').length === 0");
    browser.shows("narrow", 360, 740);
    assert_eq!(browser.complaints(), Vec::<Value>::new());
}

#[test]
fn clients_that_fail_open_are_the_first_line_and_incidents_beyond_three_are_folded() {
    let Some(mut browser) = Browser::start() else { return };
    // One region is left to Europeans, and regions that fall together leave at once.
    let seen = Seen::start_on(|home| {
        home.edit("regions.yaml", "jurisdiction: FR", "jurisdiction: CH");
        home.edit("regions.yaml", "recovery:", "safety: { shared_hold: 0s }\nrecovery:");
    });
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    browser.reads("#summary", "all 6 regions serve");
    for place in ["frankfurt", "osaka", "127.7.1.1"] {
        seen.regions.break_(place);
    }
    browser.reads("#summary", "eu clients of api.example.com and 1 more name fail open: ");
    browser.reads("#summary", "osaka and frankfurt are down since");
    browser.reads("#summary", "2 of 6 regions out");
    seen.home.edit("api.example.com.yaml", "order: nearest", "order: neerest");
    browser.sees("document.querySelectorAll('#incidents > li').length === 3");
    browser.reads("#incidents > li:first-child[data-severity=critical] .severity", "critical");
    browser.reads("#more-incidents > summary", "1 more incident");
    browser.click("#incidents > li:first-child summary");
    // What is open stays open while the state goes on.
    seen.regions.heal("127.7.1.1");
    browser.sees("document.querySelector('#more-incidents').hidden");
    browser.sees("document.querySelector('#incidents > li:first-child details').open");
    browser.sees("document.querySelector('#country-DE').getAttribute('fill').startsWith('url(#open-')");
    browser.reads("#country-DE title", "although it is down (fail open)");
    browser.reads("#key li", "fail open");
    shows(&mut browser, "fail-open");
    assert_eq!(browser.complaints(), Vec::<Value>::new());
}

/// The most octets that the page may take, with its map and all that it asks for at first.
const MAX_OCTETS: u64 = 250_000;

/// Checks how large the first view is, and says how long it took.
fn tell_of_first_view(browser: &mut Browser) {
    let bytes = browser.run(
        "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))\
         .reduce((sum, one) => sum + one.transferSize, 0)",
    );
    let took = browser.run("Math.round(performance.getEntriesByType('navigation')[0].loadEventEnd)");
    let map = browser.run(
        "Math.round(Math.max(...performance.getEntriesByType('resource').map((one) => one.responseEnd)))",
    );
    eprintln!("first view: {bytes} octets, loaded after {took} ms, the last answer after {map} ms");
    assert!(bytes.as_u64().is_some_and(|bytes| bytes <= MAX_OCTETS), "{bytes} octets");
}

#[test]
fn an_operator_shifts_clients_with_a_look_ahead_and_lifts_it_again() {
    let Some(mut browser) = Browser::start() else { return };
    let seen = Seen::start();
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    browser.sees(&row("tokyo", "matches('[data-phase]')"));
    browser.sees("!document.querySelector('#region-tokyo .actions').checkVisibility()");

    let token = fs::read_to_string(seen.home.path("token")).unwrap();
    browser.types("#token-value", &token);
    browser.presses_enter();
    browser.reads("#caller", "ops may operate");

    browser.click("#region-tokyo .menu summary");
    browser.click("#region-tokyo [data-deed=drain]");
    browser.types("#act [name=for]", "30m");
    browser.types("#act [name=reason]", "a new kernel");
    browser.types("#act [name=author]", "Jo Ö");
    browser.presses_enter();
    browser.reads("#act-answer", "tokyo");
    shows(&mut browser, "dialog");
    browser.click("#act-confirm");
    browser.sees("!document.querySelector('#act').open");
    browser.reads("#intents li[data-state=standing]", "Jo Ö (ops): a new kernel");
    browser.sees(&row("tokyo", "matches('[data-look=withdrawn][data-phase=healthy]')"));
    browser.reads("#region-tokyo .wanted", "drain tokyo");
    browser.reads("#intents .left", "left");

    // A second one at a time breaks a rule, knowingly.
    browser.click("#region-osaka .menu summary");
    browser.click("#region-osaka [data-deed=shift]");
    browser.types("#act [name=percent]", "50");
    browser.types("#act [name=reason]", "both at once");
    browser.presses_enter();
    browser.reads("#act-overrides label", "one_at_a_time");
    browser.sees("document.querySelector('#act-confirm').disabled");
    shows(&mut browser, "override");
    browser.click("#act-overrides input");
    browser.click("#act-confirm");
    browser.reads("#intents li", "shift osaka 50%");
    seen.regions.break_("oregon");
    browser.sees(&row("oregon", "matches('[data-phase=down]')"));
    shows(&mut browser, "withdrawn-and-down");
    // A picture is not taken between two colours.
    let still = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
    let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }, still] });
    browser.ask("Emulation.setEmulatedMedia", dark);
    shows(&mut browser, "dark");

    for _ in 0..2 {
        let left = browser.run("document.querySelectorAll('#intents [data-number]').length");
        browser.click("#intents li button.act");
        browser.click("#act [name=at_once]");
        browser.click("#act-confirm");
        browser.sees(&format!("document.querySelectorAll('#intents [data-number]').length < {left}"));
    }
    browser.sees(&row("tokyo", "matches('[data-look=healthy]')"));
    assert_eq!(browser.complaints(), Vec::<Value>::new());
}

#[test]
fn what_the_server_advises_is_approved_on_the_page() {
    let Some(mut browser) = Browser::start() else { return };
    let seen = Seen::start();
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    browser.sees(&row("osaka", "matches('[data-phase]')"));
    let token = fs::read_to_string(seen.home.path("token")).unwrap();
    browser.types("#token-value", &token);
    browser.presses_enter();
    browser.reads("#caller", "ops may operate");
    let advise =
        json!({ "intent": {"action": "failover", "mode": "advise", "region": "osaka"}, "reason": "a test" })
            .to_string();
    let headers = json!({ "Authorization": format!("Bearer {token}") });
    let script = format!(
        "fetch('/intents', {{ method: 'POST', headers: {headers}, body: {} }}).then((got) => got.status)",
        json!(advise)
    );
    assert_eq!(browser.run(&script), 201);

    seen.regions.break_("osaka");
    browser.reads("#intents li[data-state=proposed]", "advises that osaka leaves");
    browser.click("#intents li[data-state=proposed] button");
    browser.types("#act [name=reason]", "it is down indeed");
    browser.presses_enter();
    browser.click("#act-confirm");
    browser.reads("#intents li[data-state=standing]", "approve osaka");
    browser.sees("document.querySelectorAll('#intents li[data-state=proposed]').length === 0");
    assert_eq!(browser.complaints(), Vec::<Value>::new());
}

#[test]
fn a_region_that_comes_back_shows_its_ramp_and_where_its_clients_are_meanwhile() {
    let Some(mut browser) = Browser::start() else { return };
    let seen = Seen::start_on(|home| home.edit("regions.yaml", "ramp: []", "ramp: [10%], hold: 1h"));
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    browser.sees(&row("osaka", "matches('[data-phase=healthy]')"));
    seen.regions.break_("frankfurt");
    browser.sees(&row("frankfurt", "matches('[data-phase=down]')"));
    browser.reads("#moved li", "Clients of frankfurt: 100% go to paris");
    browser.sees("document.querySelectorAll('#map .flows .way').length === 1");
    browser.reads("#notes-frankfurt li", "127.7.4.1 is down (shallow: status 503)");
    browser.sees("document.querySelector('#region-frankfurt .up').matches('.off')");
    shows(&mut browser, "one-down");

    seen.regions.heal("frankfurt");
    browser.sees(&row("frankfurt", "matches('[data-phase=ramp]')"));
    browser.reads("#summary", "frankfurt takes 10% of its clients (ramp)");
    browser.reads("#moved li", "Clients of frankfurt: 90% go to paris, 10% stay");
    browser.reads("#key li", "go to two regions");
    browser.reads("#region-frankfurt .share", "10%");
    shows(&mut browser, "ramp");
    assert_eq!(browser.complaints(), Vec::<Value>::new());
}

#[test]
fn a_region_that_the_server_cannot_see_is_blind_and_not_down() {
    let Some(mut browser) = Browser::start() else { return };
    // An address for documentation: where IPv6 leads out of this machine it is silent, and elsewhere it cannot be probed.
    let address = r#"oregon-a: { addresses: [127.7.3.1, "2001:db8::1"] }"#;
    let seen = Seen::start_on(|home| {
        home.edit("regions.yaml", r#"oregon-a: { addresses: [127.7.3.1, "::ffff:127.7.3.1"] }"#, address);
    });
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    browser.sees(&row("oregon", "matches('[data-look=blind], [data-phase=down]')"));
    if browser.run("document.querySelector('#region-oregon').dataset.phase") == json!("down") {
        eprintln!("skipped: this machine has a way to 2001:db8::1");
        return;
    }
    browser.reads("#region-oregon .state", "blind");
    browser.reads("#notes-oregon li", "oregon-a blind");
    browser.reads("#notes-oregon li", "1 of 2 probes cannot be made");
    browser.reads("#key li", "blind");
    shows(&mut browser, "blind");
    assert_eq!(browser.complaints(), Vec::<Value>::new());
}

#[test]
fn a_wrong_token_is_told_and_takes_nothing_away() {
    let Some(mut browser) = Browser::start() else { return };
    let seen = Seen::start();
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    browser.sees(&row("osaka", "matches('[data-phase=healthy]')"));
    browser.types("#token-value", "0123456789abcdef01234568");
    browser.presses_enter();
    browser.reads("#caller", "This token is not known, and is not used");
    browser.reads("#live", "live");
    browser.sees("sessionStorage.length === 0");
    seen.regions.break_("osaka");
    browser.sees(&row("osaka", "matches('[data-phase=down]')"));

    let token = fs::read_to_string(seen.home.path("token")).unwrap();
    browser.types("#token-value", &token);
    browser.presses_enter();
    browser.reads("#caller", "ops may operate");
    // A token that is replaced is no longer accepted: what is seen goes on.
    fs::write(seen.home.path("token"), "another-token-of-32-octets-for-op").unwrap();
    seen.home.edit("api.example.com.yaml", "ttl: 30s", "ttl: 31s");
    wait_for("the token to be gone", || {
        let status = browser.run(&format!(
            "fetch('/whoami', {{ headers: {{ Authorization: 'Bearer {token}' }} }}).then((got) => got.status)"
        ));
        (status == json!(401)).then_some(())
    });
    browser.click("#explain button");
    browser.types("#explain [name=client]", "10.81.7.0/24");
    browser.presses_enter();
    browser.reads("#caller", "no longer accepted, and was forgotten");
    seen.regions.heal("osaka");
    browser.sees(&row("osaka", "matches('[data-phase=healthy]')"));
    browser.reads("#live", "live");
}

#[test]
fn an_operator_forces_an_address_and_drills_a_region_from_the_page() {
    let Some(mut browser) = Browser::start() else { return };
    let seen = Seen::start();
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    let token = fs::read_to_string(seen.home.path("token")).unwrap();
    browser.sees(&row("tokyo", "matches('[data-phase]')"));
    browser.types("#token-value", &token);
    browser.presses_enter();
    browser.reads("#caller", "ops may operate");

    browser.click("#region-tokyo .menu summary");
    browser.click("#region-tokyo [data-deed=force]");
    browser.reads("#act [name=zone] option", "only tokyo-b/127.7.1.2");
    browser.run("document.querySelector('#act [name=zone]').value = 'tokyo-b/127.7.1.2'");
    browser.types("#act [name=reason]", "a bad disk");
    browser.presses_enter();
    browser.click("#act-confirm");
    browser.reads("#intents li[data-state=standing]", "force tokyo/tokyo-b/127.7.1.2 down");
    browser.reads("#region-tokyo .wanted", "force tokyo/tokyo-b/127.7.1.2 down");
    // The stream may tell of it before the answer is there, which closes the dialog.
    browser.sees("!document.querySelector('#act').open");

    browser.click("#region-oregon .menu summary");
    browser.click("#region-oregon [data-deed=drill]");
    browser.sees("document.querySelector('#act [name=percent]').value === '10'");
    browser.types("#act [name=reason]", "once a month");
    browser.presses_enter();
    browser.reads("#act-answer", "oregon");
    shows(&mut browser, "drill");
    browser.click("#act-confirm");
    browser.reads("#intents li", "drill oregon 10%");
    assert_eq!(browser.complaints(), Vec::<Value>::new());
}

#[test]
fn an_answer_is_explained_with_a_list_of_reasons() {
    let Some(mut browser) = Browser::start() else { return };
    let seen = Seen::start();
    seen.regions.break_("tokyo");
    seen.server.settles(&[("10.81.7.0/24", "osaka")]);
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    browser.sees("document.querySelector('#explain [name=name]')?.value === 'api.example.com'");
    browser.types("#explain [name=client]", "10.81.7.0/24");
    browser.presses_enter();
    browser.reads("#explanation .reasons li:first-child", "down: 0 of 2 up, 1 needed");
    browser.reads("#explanation .reasons li.chosen", "osaka");
    browser.reads("#explanation dd", "127.7.2.1");
    shows(&mut browser, "explain");
    browser.types("#explain [name=client]", "nonsense");
    browser.presses_enter();
    browser.reads("#explanation .refused", "the client `nonsense`");
}

#[test]
fn the_page_is_used_by_keyboard_and_everything_on_it_has_a_name() {
    let Some(mut browser) = Browser::start() else { return };
    let seen = Seen::start();
    browser.size(1440, 1000);
    browser.open(&format!("http://{}/", seen.admin));
    browser.sees(&row("tokyo", "matches('[data-phase=healthy]')"));
    browser.sees("document.querySelectorAll('#map .countries > *').length > 150");
    let token = fs::read_to_string(seen.home.path("token")).unwrap();
    browser.types("#token-value", &token);
    browser.presses_enter();
    browser.reads("#caller", "ops may operate");
    is_named(&mut browser);

    browser.run("document.activeElement.blur(); getSelection().removeAllRanges()");
    browser
        .run("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')");
    let mut stops: Vec<String> = Vec::new();
    while stops.last().is_none_or(|stop| !stop.contains("may-act")) {
        browser.presses_tab();
        let stop = browser.run(
            "(({ activeElement: one }) => `${one.closest('section, header, footer, tr')?.id ?? ''} \
             ${one.tagName} ${one.id || one.getAttribute('class')}`)(document)",
        );
        stops.push(stop.as_str().expect("an element").to_owned());
        assert!(stops.len() < 60, "the end is never reached: {stops:#?}");
    }
    let first = |word: &str| stops.iter().position(|stop| stop.contains(word));
    let order =
        ["skip", "token-value", "name", "country-", "region-tokyo", "region-osaka", "timeline"].map(first);
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{stops:#?}");
    let of_map =
        stops.iter().filter(|stop| stop.starts_with("map-panel") && !stop.contains("SELECT")).count();
    assert_eq!(of_map, 1, "the map is one stop: {stops:#?}");
}
