//! One HTTP request on a thread of its own, because looking up a name cannot be interrupted: who waits for
//! the thread can give up, whatever it is stuck in.

use std::io::Read;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use ureq::Agent;
use ureq::http::header::{CONTENT_RANGE, RANGE};

/// Read at once.
const CHUNK: usize = 16 << 10;

/// What happens in a transfer.
pub(super) enum Event {
    /// The file comes: from where it was asked for, or else from its beginning; so many bytes, if the mirror says.
    Start { resumed: bool, length: Option<u64> },
    /// The next bytes.
    Bytes(Vec<u8>),
    /// The file does not reach to where it was asked from.
    BeyondEnd,
    /// That was all.
    End,
}

type Message = Result<Event, String>;

/// A request under way.
pub(super) struct Transfer {
    events: Receiver<Message>,
}

impl Transfer {
    /// Asks for a file from an offset on. The thread ends by itself when nobody listens, at the latest a few times
    /// `patience` later; only the system's own look-up of a name may hold it longer.
    pub(super) fn start(url: String, offset: u64, patience: Duration) -> Transfer {
        // A short queue, so that a fast network does not run ahead of a slow disk.
        let (sender, events) = sync_channel(8);
        std::thread::spawn(move || {
            let end = request(&url, offset, patience, &sender).map(|()| Event::End);
            // Nobody listens any more: nothing to tell.
            sender.send(end).ok();
        });
        Transfer { events }
    }

    /// The next event, or why there is none.
    pub(super) fn next(&self, patience: Duration) -> Message {
        match self.events.recv_timeout(patience) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => Err("no answer in time".into()),
            Err(RecvTimeoutError::Disconnected) => Err("the transfer broke off".into()),
        }
    }
}

fn request(url: &str, offset: u64, patience: Duration, events: &SyncSender<Message>) -> Result<(), String> {
    if !url.starts_with("http://") {
        return Err("only addresses that start with http:// can be fetched".into());
    }
    let mut request = agent(url, patience).get(url);
    if offset > 0 {
        request = request.header(RANGE, format!("bytes={offset}-"));
    }
    let response = request.call().map_err(explain)?;
    let resumed = match response.status().as_u16() {
        200 => false,
        206 => {
            let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
            if !range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-"))) {
                return Err(format!("asked for bytes from {offset} on, got {}", range.unwrap_or("others")));
            }
            true
        }
        416 => {
            events.send(Ok(Event::BeyondEnd)).ok();
            return Ok(());
        }
        status => return Err(format!("HTTP status {status}")),
    };
    let length = response.body().content_length();
    let mut body = response.into_body().into_reader();
    let mut message = Event::Start { resumed, length };
    while events.send(Ok(message)).is_ok() {
        let mut chunk = vec![0; CHUNK];
        let got = body.read(&mut chunk).map_err(|e| e.to_string())?;
        if got == 0 {
            break;
        }
        chunk.truncate(got);
        message = Event::Bytes(chunk);
    }
    Ok(())
}

fn agent(url: &str, patience: Duration) -> Agent {
    let limit = Some(patience);
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("versant/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(limit)
        .timeout_connect(limit)
        .timeout_send_request(limit)
        .timeout_recv_response(limit)
        .timeout_per_read(limit);
    if is_this_computer(url) {
        // A proxy would look for the server on its own computer.
        config = config.proxy(None);
    }
    config.build().into()
}

fn is_this_computer(url: &str) -> bool {
    let host = url.trim_start_matches("http://").split(['/', ':']).next().unwrap_or_default();
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn explain(error: ureq::Error) -> String {
    match error {
        ureq::Error::TlsRequired => "redirects to https, which is not built in".into(),
        ureq::Error::Timeout(_) => "no answer in time".into(),
        ureq::Error::HostNotFound => "the name of the computer is unknown".into(),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}
