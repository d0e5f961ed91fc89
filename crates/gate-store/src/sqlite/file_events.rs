//! The system's notices that somebody wrote to the files of a database.

#[cfg(target_os = "linux")]
pub(super) use linux::FileEvents;
#[cfg(not(target_os = "linux"))]
pub(super) use none::FileEvents;

/// By inotify, through rustix: it is in the tree already, and an event loop can wait for the descriptor.
#[cfg(target_os = "linux")]
mod linux {
    use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, Reader, WatchFlags};
    use rustix::io::Errno;
    use std::ffi::OsString;
    use std::fs;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// Notices of writes to the files of one database.
    #[derive(Debug)]
    pub(in crate::sqlite) struct FileEvents {
        descriptor: AsyncFd<OwnedFd>,
        /// With which the names of its files begin.
        name: OsString,
    }

    impl FileEvents {
        /// Notices from now on. It is the directory that is watched: files beside the database come and go.
        pub(in crate::sqlite) fn of(database: &Path) -> io::Result<Self> {
            // SQLite puts them beside the file that a symbolic link leads to.
            let database = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
            let (Some(directory), Some(name)) = (database.parent(), database.file_name()) else {
                return Err(io::ErrorKind::InvalidInput.into());
            };
            let descriptor = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            inotify::add_watch(&descriptor, directory, WATCHED)?;
            #[expect(
                deprecated,
                reason = "unsound for what is no owner of its descriptor, which this type is"
            )]
            let descriptor = AsyncFd::with_interest(descriptor, Interest::READABLE)?;
            Ok(FileEvents { descriptor, name: name.to_owned() })
        }

        /// Waits until one of the files was written to. Cancel-safe.
        ///
        /// # Errors
        /// There are no more notices: the directory is gone.
        pub(in crate::sqlite) async fn next(&self) -> io::Result<()> {
            loop {
                let mut ready = self.descriptor.readable().await?;
                let is_written = self.read_all()?;
                ready.clear_ready();
                if is_written {
                    return Ok(());
                }
            }
        }

        /// Takes everything that was told; whether one of the files was written to.
        fn read_all(&self) -> io::Result<bool> {
            let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
            let mut events = Reader::new(self.descriptor.get_ref(), &mut buffer);
            let mut is_written = false;
            loop {
                match events.next() {
                    Ok(event) if event.events().intersects(GONE) => {
                        return Err(io::ErrorKind::NotFound.into());
                    }
                    Ok(event) => is_written |= self.concerns(&event),
                    Err(Errno::WOULDBLOCK) => return Ok(is_written),
                    Err(error) => return Err(error.into()),
                }
            }
        }

        /// What has no name says that notices were lost.
        fn concerns(&self, event: &Event<'_>) -> bool {
            event.file_name().is_none_or(|name| name.to_bytes().starts_with(self.name.as_bytes()))
        }
    }

    const WATCHED: WatchFlags = WatchFlags::MODIFY
        .union(WatchFlags::CREATE)
        .union(WatchFlags::DELETE)
        .union(WatchFlags::MOVE)
        .union(WatchFlags::MOVE_SELF)
        .union(WatchFlags::ONLYDIR);
    /// What was watched is no longer where it was.
    const GONE: ReadFlags = ReadFlags::IGNORED.union(ReadFlags::UNMOUNT).union(MOVED_AWAY);
    /// `IN_MOVE_SELF`, which has no name of its own among the flags that are read.
    const MOVED_AWAY: ReadFlags = ReadFlags::from_bits_retain(WatchFlags::MOVE_SELF.bits());
    /// For a hundred notices.
    const BUFFER_BYTES: usize = 4096;
}

/// Other systems have other means; there it is looked all the time.
#[cfg(not(target_os = "linux"))]
mod none {
    use std::io;
    use std::path::Path;

    /// There are none.
    #[derive(Debug)]
    pub(in crate::sqlite) enum FileEvents {}

    impl FileEvents {
        pub(in crate::sqlite) fn of(_: &Path) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(in crate::sqlite) async fn next(&self) -> io::Result<()> {
            match *self {}
        }
    }
}
