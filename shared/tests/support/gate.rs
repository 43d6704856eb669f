//! [`Gate`]: pauses a handler until the test lets it continue.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::patience;

#[derive(Clone)]
pub(crate) struct Gate {
    entered: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let [entered, open] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
        Self { entered, open }
    }

    /// Reports that the handler has arrived, and waits until the test lets it continue.
    pub(crate) async fn pass(&self) {
        self.entered.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until a handler has arrived.
    pub(crate) async fn entered(&self) {
        patience(self.entered.acquire()).await.unwrap().forget();
    }

    /// Lets one handler continue.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }
}
