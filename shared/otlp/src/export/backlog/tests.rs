use opentelemetry::InstrumentationScope;

use super::*;
use crate::Batching;

fn backlog(batches: u64) -> Backlog {
    let mut backlog = Backlog::default();
    for number in 0..batches {
        backlog.fresh.push_back(Batch::default());
        backlog.fresh.back_mut().unwrap().number = number;
    }
    backlog
}

#[test]
fn outage_gives_up_no_batch_and_keeps_order() {
    for unsent in [false, true] {
        for attempts in 0..100 {
            let mut backlog = backlog(3);
            backlog.taken();
            for _ in 0..attempts {
                let batch = backlog.next(true).expect("no batch is given up");
                assert!(backlog.failed(batch, unsent).is_none());
            }
            assert!(backlog.fresh.iter().is_sorted_by_key(|batch| batch.number));
            let mut delivered = Vec::new();
            while let Some(batch) = backlog.next(true) {
                assert!(batch.tries.strikes <= 1, "an outage is no evidence");
                delivered.push(batch.number);
                backlog.taken();
            }
            // If no connection was made, batches are not deferred and keep their order.
            if !unsent {
                delivered.sort_unstable();
            }
            assert_eq!(delivered, [0, 1, 2], "after {attempts} attempts");
        }
    }
}

#[test]
fn failing_batch_steps_aside_and_is_given_up() {
    let mut backlog = backlog(100);
    let mut taken = Vec::new();
    let given_up = loop {
        let batch = backlog.next(false).expect("others are left");
        if batch.number == 0 {
            if let Some(batch) = backlog.failed(batch, false) {
                break batch;
            }
            if let Some(batch) = backlog.deferred.first_mut() {
                batch.tries.not_before = None;
            }
        } else {
            taken.push(batch.number);
            backlog.taken();
        }
    };
    assert_eq!(given_up.number, 0);
    assert!(taken.is_sorted() && taken.len() < 20, "{taken:?}");
}

#[test]
fn unanswered_batch_is_sent_once_more_after_others() {
    let mut backlog = backlog(3);
    let mut order = Vec::new();
    while let Some(batch) = backlog.next(true) {
        order.push(batch.number);
        let _ = backlog.unanswered(batch);
    }
    assert_eq!(order, [0, 1, 2, 0, 1, 2]);
}

#[test]
fn batches_are_compressed_beyond_quarter_of_queue() {
    let queue = Queue::new(&Batching {
        queue_bytes: 1024 * 1024,
        queue_spans: None,
        batch_spans: 10,
        delay: Duration::MAX,
        export_timeout: Duration::MAX,
    });
    let scope = InstrumentationScope::builder("test").build();
    let mut backlog = Backlog::default();
    // Before compression, the spans take three times the bound of the queue.
    for _ in 0..1_000 {
        queue.push(&scope, &[0; 3_000]);
        while backlog.fill(&queue) {}
    }
    assert_eq!(queue.counts().waiting, 1_000);
    let plain = backlog.fresh.iter().position(Batch::is_packed).unwrap();
    assert!((7..=9).contains(&plain), "{plain} batches of 30 kB");
    assert!(backlog.fresh.iter().skip(plain).all(Batch::is_packed));
}
