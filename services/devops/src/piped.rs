//! Streams that a thread of its own fills, since reading a repository blocks.

use std::{sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
};
use tonic::Status;

use crate::error::Error;

/// Items that wait for a slow caller.
const ITEMS: usize = 2;
/// A caller that takes no item for so long has gone.
const STALL: Duration = Duration::from_secs(30);

/// What the thread tells.
enum Told<T> {
    Item(T),
    /// That was the last item.
    Whole,
    Failed(Error),
}

/// Takes what the caller is to get.
pub(crate) struct Pipe<T> {
    sender: mpsc::Sender<Told<T>>,
    runtime: Handle,
}

/// The caller has gone; nobody is there to be told anything.
#[derive(Debug)]
pub(crate) struct Gone;

impl<T> Pipe<T> {
    /// Hands an item on, once there is room for it.
    pub fn send(&self, item: T) -> Result<(), Gone> {
        self.tell(Told::Item(item))
    }

    fn tell(&self, told: Told<T>) -> Result<(), Gone> {
        self.runtime.block_on(self.sender.send_timeout(told, STALL)).map_err(|_| Gone)
    }
}

/// The stream of what `fill` sends, from a thread that may block, once a place of `places` is free. Without an error at
/// its end, it is whole.
pub(crate) async fn piped<T: Send + 'static>(
    places: &Arc<Semaphore>,
    fill: impl FnOnce(&Pipe<T>) -> Result<(), Error> + Send + 'static,
) -> Result<BoxStream<'static, Result<T, Status>>, Error> {
    let place = Arc::clone(places).acquire_owned().await.map_err(|_| Error::Lost)?;
    let (sender, receiver) = mpsc::channel(ITEMS);
    let pipe = Pipe { sender, runtime: Handle::current() };
    tokio::task::spawn_blocking(move || {
        let told = match fill(&pipe) {
            Ok(()) => Told::Whole,
            Err(error) => Told::Failed(error),
        };
        let _: Result<(), Gone> = pipe.tell(told);
        drop(place);
    });
    Ok(stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Told::Item(item)) => Some((Ok(item), Some(receiver))),
            Some(Told::Whole) => None,
            Some(Told::Failed(error)) => Some((Err(error.into()), None)),
            // The thread ended without a word.
            None => Some((Err(Error::Lost.into()), None)),
        }
    })
    .boxed())
}
