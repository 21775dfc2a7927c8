//! Servers, in the test's own process.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, bind, listen, shutdown,
    socket_with,
};

/// A unix socket that ends with its file.
pub struct Service {
    socket: OwnedFd,
    path: Option<PathBuf>,
}

impl Service {
    /// Listens on a path, in place of what lies there.
    #[must_use]
    pub fn stream(path: impl AsRef<Path>) -> Self {
        Self::at(path.as_ref(), SocketType::STREAM)
    }

    /// The same with packets.
    #[must_use]
    pub fn packets(path: impl AsRef<Path>) -> Self {
        Self::at(path.as_ref(), SocketType::SEQPACKET)
    }

    /// Takes datagrams.
    #[must_use]
    pub fn datagrams(path: impl AsRef<Path>) -> Self {
        Self::at(path.as_ref(), SocketType::DGRAM)
    }

    /// Listens on an abstract name.
    #[must_use]
    pub fn named(name: &[u8], kind: SocketType) -> Self {
        Self {
            socket: bound(&SocketAddrUnix::new_abstract_name(name).unwrap(), kind),
            path: None,
        }
    }

    fn at(path: &Path, kind: SocketType) -> Self {
        fs::remove_file(path).ok();
        Self {
            socket: bound(&SocketAddrUnix::new(path).unwrap(), kind),
            path: Some(path.to_owned()),
        }
    }

    /// Takes every connection and lets it go, until the service ends.
    #[must_use]
    pub fn accepting(self) -> Self {
        let listener = UnixListener::from(self.socket.try_clone().unwrap());
        std::thread::spawn(move || while listener.accept().is_ok() {});
        self
    }

    /// Takes every datagram, until the service ends.
    #[must_use]
    pub fn draining(self) -> Self {
        let socket = UnixDatagram::from(self.socket.try_clone().unwrap());
        std::thread::spawn(move || while socket.recv(&mut [0; 256]).is_ok_and(|got| got > 0) {});
        self
    }

    /// The next datagram, at once.
    #[must_use]
    pub fn datagram(&self) -> Option<Vec<u8>> {
        let socket = UnixDatagram::from(self.socket.try_clone().unwrap());
        socket.set_nonblocking(true).unwrap();
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).ok()?;
        bytes.get(..length).map(<[u8]>::to_vec)
    }

    /// How many connections nobody has taken yet; they are closed by this.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let listener = UnixListener::from(self.socket.try_clone().unwrap());
        listener.set_nonblocking(true).unwrap();
        std::iter::from_fn(|| listener.accept().ok()).count()
    }

    /// Its file is somewhere else by now.
    pub fn moved(&mut self, path: impl AsRef<Path>) {
        self.path = Some(path.as_ref().to_owned());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        shutdown(&self.socket, Shutdown::Both).ok();
        if let Some(path) = &self.path {
            fs::remove_file(path).ok();
        }
    }
}

fn bound(address: &SocketAddrUnix, kind: SocketType) -> OwnedFd {
    let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    bind(&socket, address).unwrap();
    if kind != SocketType::DGRAM {
        listen(&socket, 1024).unwrap();
    }
    if let Some(path) = address.path() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = path.to_str().unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    socket
}

/// A TCP listener.
pub struct Tcp(TcpListener);

impl Tcp {
    /// Listens on an address, such as `127.0.0.1:8080`, and takes Fast Open.
    #[must_use]
    pub fn on(address: &str) -> Self {
        let listener =
            TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        fast_open(listener.as_fd());
        Self(listener)
    }

    /// Takes every connection and lets it go, until the listener ends.
    #[must_use]
    pub fn accepting(self) -> Self {
        let listener = self.0.try_clone().unwrap();
        std::thread::spawn(move || while listener.accept().is_ok() {});
        self
    }

    /// Waits for a connection and reads what is sent on it at first.
    #[must_use]
    pub fn first_bytes(&self) -> Vec<u8> {
        use std::io::Read as _;
        let (mut stream, _) = self.0.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut bytes = [0; 64];
        let length = stream.read(&mut bytes).unwrap();
        bytes.get(..length).unwrap().to_vec()
    }
}

impl Drop for Tcp {
    fn drop(&mut self) {
        shutdown(&self.0, Shutdown::Both).ok();
    }
}

fn fast_open(socket: BorrowedFd<'_>) {
    use std::os::fd::AsRawFd as _;
    let backlog: i32 = 64;
    // SAFETY: the option takes an int.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_FASTOPEN,
            (&raw const backlog).cast(),
            4,
        )
    };
    assert_eq!(result, 0, "TCP_FASTOPEN");
}

/// A UDP socket that waits for datagrams.
pub struct Udp(UdpSocket);

impl Udp {
    /// On an address.
    #[must_use]
    pub fn on(address: &str) -> Self {
        let socket = UdpSocket::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        socket.set_nonblocking(true).unwrap();
        Self(socket)
    }

    /// How many datagrams have come. On lo a datagram has come when its send is over.
    #[must_use]
    pub fn received(&self) -> usize {
        let mut bytes = [0; 64];
        std::iter::from_fn(|| self.0.recv(&mut bytes).ok()).count()
    }
}
