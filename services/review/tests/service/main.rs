//! The service as its callers and its log see it, on both stores.

mod bed;
mod calls;
mod changes;

/// Each test once for each store.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::bed::Bed::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(bed) = crate::bed::Bed::postgres().await else { return };
                super::$name(bed).await;
            })+
        }
    };
}
pub(crate) use on_both_stores;
