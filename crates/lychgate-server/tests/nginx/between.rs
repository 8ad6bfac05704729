//! Reads along what a proxy and the server say to each other.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What was said on one connection, to the server and back.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) asked: Vec<u8>,
    pub(crate) answered: Vec<u8>,
}

/// Stands between the two.
pub(crate) struct Between {
    pub(crate) address: SocketAddr,
    said: Arc<Mutex<Vec<Arc<Mutex<Said>>>>>,
}

impl Between {
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let said = Arc::<Mutex<Vec<Arc<Mutex<Said>>>>>::default();
        let all = Arc::clone(&said);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(onward) = TcpStream::connect(server) else { continue };
                let one = Arc::<Mutex<Said>>::default();
                all.lock().unwrap().push(Arc::clone(&one));
                let other = Arc::clone(&one);
                let (back, forth) = (stream.try_clone().unwrap(), onward.try_clone().unwrap());
                thread::spawn(move || pass(stream, onward, |bytes| one.lock().unwrap().asked.extend(bytes)));
                thread::spawn(move || pass(forth, back, |bytes| other.lock().unwrap().answered.extend(bytes)));
            }
        });
        Self { address, said }
    }

    /// Looks at each connection so far.
    pub(crate) fn each(&self, mut look: impl FnMut(&Said)) {
        for one in self.said.lock().unwrap().iter() {
            look(&one.lock().unwrap());
        }
    }
}

/// Notes first, so that nobody has an answer that is not known here.
fn pass(mut from: TcpStream, mut to: TcpStream, mut note: impl FnMut(&[u8])) {
    let mut space = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut space) {
        note(&space[..count]);
        if to.write_all(&space[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Read), to.shutdown(Shutdown::Write));
}
