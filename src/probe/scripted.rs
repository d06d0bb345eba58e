//! Small servers on loopback for the tests: each does one thing to whoever connects.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;

/// What a server does to whoever connects.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    /// Answers 200 with the body `all is well`.
    Ok,
    /// Answers 200 with this body.
    Body(&'static str),
    /// Answers with this status and an empty body.
    Status(&'static str),
    /// Answers 200 if the request contains this line, and 400 if not.
    Expect(&'static str),
    /// Sends these bytes after the request, and closes.
    Say(&'static [u8]),
    /// Sends these bytes after the request, and waits.
    Wait(&'static [u8]),
    /// Sends these bytes before it has read anything, and waits.
    Greet(&'static [u8]),
    /// Closes without a word, the request unread: the other side sees a reset or an end.
    Close,
    /// Reads the request and never answers.
    Hang,
    /// Answers 200 and sends a byte of its body every few milliseconds, for ever.
    Drip,
    /// Sends this head and then a body as fast as it is taken, for ever.
    Endless(&'static [u8]),
}

/// The name in the certificate of an authority, as `openssl req -x509` makes them.
pub const AUTHORITY: &str = "authority.example";

/// Starts a server on 127.0.0.1, .2 and .3, on one port; it lives as long as the test.
pub async fn serve(script: Script) -> SocketAddr {
    let listeners = listen().await;
    let place = listeners[0].local_addr().expect("it is bound");
    for listener in listeners {
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(play(stream, script));
            }
        });
    }
    place
}

/// Binds a port that is free on all three addresses, which takes a second try once in a blue moon.
async fn listen() -> Vec<TcpListener> {
    for _ in 0..100 {
        let first = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = first.local_addr().expect("it is bound").port();
        let second = TcpListener::bind(("127.0.0.2", port)).await;
        let third = TcpListener::bind(("127.0.0.3", port)).await;
        if let (Ok(second), Ok(third)) = (second, third) {
            return vec![first, second, third];
        }
    }
    panic!("no port is free on 127.0.0.1, .2 and .3 at once");
}

/// How long the certificate of a server is valid.
#[derive(Clone, Copy, Debug)]
pub enum Valid {
    /// For this many days and a half.
    ForDays(u64),
    /// No more: it has expired.
    No,
}

/// Starts a TLS server with a certificate of its own for `name`, and returns the certificate too.
pub async fn serve_tls(script: Script, name: &str) -> (SocketAddr, CertificateDer<'static>) {
    serve_tls_for(script, name, Valid::ForDays(30)).await
}

/// Starts a TLS server whose certificate is valid for a certain time.
pub async fn serve_tls_for(
    script: Script,
    name: &str,
    valid: Valid,
) -> (SocketAddr, CertificateDer<'static>) {
    let mut own = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
    let (now, day) = (SystemTime::now(), Duration::from_secs(24 * 60 * 60));
    own.not_before = (now - 2 * day).into();
    own.not_after = match valid {
        Valid::ForDays(days) => now + day.mul_f64(days as f64 + 0.5),
        Valid::No => now - day,
    }
    .into();
    if name == AUTHORITY {
        own.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = own.self_signed(&key).expect("a certificate").der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("they belong together");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    play(stream, script).await;
                }
            });
        }
    });
    (place, certificate)
}

/// Returns a place at which nobody listens, and what keeps it from being given to somebody else.
pub fn nobody() -> (SocketAddr, TcpSocket) {
    let socket = TcpSocket::new_v4().expect("a socket");
    let place = "127.0.0.1:0".parse().expect("an address");
    socket.bind(place).expect("a free port");
    (socket.local_addr().expect("it is bound"), socket)
}

async fn play(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: Script) {
    // The other side may hang up at any point; that is what some of the tests are about.
    let _ = act(&mut stream, script).await;
}

async fn act(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), script: Script) -> std::io::Result<()> {
    match script {
        Script::Close => return Ok(()),
        Script::Greet(bytes) => {
            stream.write_all(bytes).await?;
            std::future::pending().await
        }
        _ => {}
    }
    let request = read_request(stream).await?;
    match script {
        Script::Ok => {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nall is well";
            stream.write_all(answer).await?;
        }
        Script::Body(body) => {
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await?;
        }
        Script::Status(status) => stream.write_all(&empty(status)).await?,
        Script::Expect(line) => {
            let is_there = request.lines().any(|there| there.eq_ignore_ascii_case(line));
            let status = if is_there { "200 OK" } else { "400 Bad Request" };
            stream.write_all(&empty(status)).await?;
        }
        Script::Say(bytes) => stream.write_all(bytes).await?,
        Script::Close | Script::Greet(_) => {}
        Script::Wait(bytes) => {
            stream.write_all(bytes).await?;
            std::future::pending().await
        }
        Script::Hang => std::future::pending().await,
        Script::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await?;
            loop {
                stream.write_all(b".").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Script::Endless(head) => {
            stream.write_all(head).await?;
            loop {
                stream.write_all(&[b'.'; 16 * 1024]).await?;
            }
        }
    }
    stream.shutdown().await
}

fn empty(status: &str) -> Vec<u8> {
    // `Location` leads back to where the request was sent: an endless loop for who follows it.
    format!("HTTP/1.1 {status}\r\nLocation: /health\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

/// Reads a request: up to the empty line that ends its head, and its body if it has one.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    request.append(&mut body);
    Ok(String::from_utf8_lossy(&request).into_owned())
}
