//! A mail server on the loopback address that keeps what it gets.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

/// How the server behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It takes every letter.
    #[default]
    Willing,
    /// It says that there is no such recipient, for good.
    Unknown,
    /// It asks to come back later.
    Busy,
    /// It accepts connections and says nothing.
    Silent,
    /// It takes letters and then says no more.
    Absent,
}

/// A letter as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// Headers and body, dots unstuffed, lines ended by `\r\n`.
    pub raw: String,
}

impl Received {
    /// The first header of this name, its folded lines joined.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.raw.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }
}

#[derive(Debug, Default)]
struct State {
    mood: Mood,
    received: Vec<Received>,
    commands: Vec<String>,
}

/// The server; it ends with the value.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    running: Option<AbortHandle>,
}

impl Sink {
    /// Starts a server on a free port.
    pub async fn start() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut sink = Self { address, state: Arc::default(), running: None };
        sink.restart().await;
        sink
    }

    /// The settings that lead to it.
    #[must_use]
    pub fn toml(&self) -> String {
        format!("[mail]\nserver = \"127.0.0.1\"\nport = {}\n", self.address.port())
    }

    /// Changes how it behaves in new conversations.
    pub fn set_mood(&self, mood: Mood) {
        self.state.lock().mood = mood;
    }

    /// The letters since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.state.lock().received)
    }

    /// Every command since the last call, without the letters themselves.
    #[must_use]
    pub fn take_commands(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().commands)
    }

    /// Closes the port and every connection.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            // The port is closed when the task is gone.
            while !running.is_finished() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Opens the port again.
    pub async fn restart(&mut self) {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let state = Arc::clone(&self.state);
        let task = tokio::spawn(async move {
            // Ends its conversations when it ends.
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                conversations.spawn(async move { drop(talk(stream, &state).await) });
            }
        });
        self.running = Some(task.abort_handle());
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

/// One conversation, as much of RFC 5321 as a client needs.
async fn talk(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mood = state.lock().mood;
    if mood == Mood::Silent {
        std::future::pending::<()>().await;
    }
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader);
    writer.write_all(b"220 sink ready\r\n").await?;
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        state.lock().commands.push(command.clone());
        let mood = state.lock().mood;
        let path = |text: &str| text.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let reply = match command.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
            "MAIL" => {
                from = path(&command);
                "250 go on\r\n"
            }
            "RCPT" if mood == Mood::Unknown => "550 5.1.1 nobody of that name\r\n",
            "RCPT" if mood == Mood::Busy => "451 4.3.0 come back later\r\n",
            "RCPT" => {
                to.push(path(&command));
                "250 go on\r\n"
            }
            "DATA" => {
                writer.write_all(b"354 tell me\r\n").await?;
                let raw = letter(&mut lines).await?;
                let received = Received { from: std::mem::take(&mut from), to: std::mem::take(&mut to), raw };
                state.lock().received.push(received);
                if mood == Mood::Absent {
                    std::future::pending::<()>().await;
                }
                "250 kept\r\n"
            }
            "AUTH" => "235 welcome\r\n",
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            "NOOP" | "RSET" => "250 fine\r\n",
            _ => "502 no\r\n",
        };
        writer.write_all(reply.as_bytes()).await?;
    }
}

async fn letter(lines: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut raw = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(raw);
        }
        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
