//! One signal to stop everything, and the reasons for it.

use std::io::Read;
use tokio::{
    signal::unix,
    sync::{oneshot, watch},
};

/// Listens for the end of this process. Clone it for each worker.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// Tells every [`Shutdown`].
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// A stopper and its listener.
pub fn channel() -> (Stopper, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Shutdown(receiver))
}

impl Stopper {
    /// Stops everything; again is harmless.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Waits until everything is to stop. A stopper that is gone has stopped.
    pub async fn wait(&mut self) {
        // An error means that the stopper is gone, and nobody is left who could want us to go on.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}

/// Waits for Ctrl-C, SIGTERM or, with `stdin`, for the end of standard input, which a parent holds open while it lives.
pub async fn requested(stdin: bool) -> &'static str {
    let mut terminate = unix::signal(unix::SignalKind::terminate()).expect("SIGTERM can be caught on every Unix");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => "Ctrl-C",
        _ = terminate.recv() => "SIGTERM",
        () = end_of_stdin(), if stdin => "the parent process ended",
    }
}

/// A thread of its own: a read from standard input can't be interrupted, and must not hold a worker.
async fn end_of_stdin() {
    let (sender, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        // Whatever is written is not for us; the end, or an error, is.
        while matches!(std::io::stdin().read(&mut buffer), Ok(1..)) {}
        // Nobody waits any more when something else stopped the process first.
        let _ = sender.send(());
    });
    // An error means that the thread is gone, and the input with it.
    let _ = ended.await;
}
