//! [`Gate`]: the test knows when a handler is inside, and decides when it goes on.

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

    /// The handler's side: says that it is here, and waits to be let through.
    pub(crate) async fn pass(&self) {
        self.entered.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until a handler is inside.
    pub(crate) async fn entered(&self) {
        patience(self.entered.acquire()).await.unwrap().forget();
    }

    /// Lets one handler through.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }
}
