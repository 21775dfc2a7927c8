//! What the demonstration stands on: a folder of its own, a listener at the
//! socket's path, and names by which the actor is started.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};

use super::actor::GREETING;

/// A folder for one run, gone with it.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("interdict-demo-{}", std::process::id()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A name of this very executable, which becomes the `comm` of what is
    /// started by it.
    pub(super) fn program(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        if !path.exists() {
            symlink(std::env::current_exe()?, &path)?;
        }
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A listener, in the place of the docker daemon's; its file is gone with it.
pub(super) struct Listener(PathBuf);

impl Listener {
    /// Listens at `path` and greets whoever connects.
    ///
    /// # Errors
    /// When something lies there already: it is somebody's.
    pub(super) fn start(path: &Path) -> Result<Self> {
        let listener = UnixListener::bind(path).with_context(|| {
            format!(
                "cannot listen at {}, where nothing may lie yet",
                path.display()
            )
        })?;
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A visitor that went away is no concern of the listener's.
                stream
                    .and_then(|mut stream| stream.write_all(GREETING.as_bytes()))
                    .ok();
            }
        });
        Ok(Self(path.to_path_buf()))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}
