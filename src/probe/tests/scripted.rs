//! A server that does with every connection what its script says, and tells afterwards what it was sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// One thing that the server does. After the last one it closes the connection.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Reads a request up to the empty line.
    Hear,
    /// Writes this.
    Say(&'static str),
    /// Writes an octet now and then, for ever.
    Drip,
    /// Writes as fast as it is read, for ever.
    Flood,
    /// Does nothing until the client closes.
    Hang,
}

/// A server on a port of its own. Dropping it ends it and its connections.
pub struct Server {
    /// Where it listens.
    pub place: SocketAddr,
    requests: mpsc::UnboundedReceiver<String>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Starts a server at a loopback address.
    pub async fn start(ip: &str, script: &'static [Act]) -> Self {
        Self::run(ip, script, None).await
    }

    /// Starts a server with a certificate for `name`, which is returned.
    pub async fn encrypted(name: &str, script: &'static [Act]) -> (Self, CertificateDer<'static>) {
        let own = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let certificate = own.cert.der().clone();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("the key is that of the certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (Self::run("127.0.0.1", script, Some(acceptor)).await, certificate)
    }

    async fn run(ip: &str, script: &'static [Act], acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(format!("{ip}:0")).await.expect("a free port");
        let place = listener.local_addr().expect("a bound socket");
        let (ended, requests) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, ended) = (acceptor.clone(), ended.clone());
                connections.spawn(async move {
                    let request = match acceptor {
                        None => perform(script, stream).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => perform(script, stream).await,
                            Err(_) => "no handshake".to_owned(),
                        },
                    };
                    let _ = ended.send(request);
                });
            }
        });
        Self {
            place,
            requests,
            _tasks: tasks,
        }
    }

    /// Waits until a connection has ended, and returns the request that came over it.
    pub async fn request(&mut self) -> String {
        self.requests.recv().await.expect("the server runs")
    }

    /// Returns whether no other connection has ended since.
    pub fn has_no_more(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// Acts until the script or the connection is at its end; returns what was heard.
async fn perform(script: &[Act], mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut heard = Vec::new();
    for act in script {
        let acted = match act {
            Act::Hear => hear(&mut stream, &mut heard).await,
            Act::Say(text) => stream.write_all(text.as_bytes()).await,
            Act::Drip => loop {
                tokio::time::sleep(Duration::from_millis(5)).await;
                if let Err(error) = stream.write_all(b"x").await {
                    break Err(error);
                }
            },
            Act::Flood => loop {
                if let Err(error) = stream.write_all(&[b'x'; 4096]).await {
                    break Err(error);
                }
            },
            Act::Hang => stream.read_to_end(&mut Vec::new()).await.map(|_| ()),
        };
        if acted.is_err() {
            break;
        }
    }
    let _ = stream.shutdown().await;
    String::from_utf8(heard).expect("requests are ASCII")
}

async fn hear(stream: &mut (impl AsyncRead + Unpin), heard: &mut Vec<u8>) -> std::io::Result<()> {
    while !heard.ends_with(b"\r\n\r\n") {
        heard.push(stream.read_u8().await?);
    }
    Ok(())
}
