use super::*;

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
        let mut backlog = backlog(3);
        backlog.taken();
        for _ in 0..1_000 {
            if let Some(batch) = backlog.next(true) {
                assert!(!unsent || batch.number == 0);
                assert!(backlog.failed(batch, unsent).is_none());
            }
        }
        assert!(backlog.fresh.iter().is_sorted_by_key(|batch| batch.number));
        assert_eq!(backlog.fresh.len() + backlog.deferred.len(), 3);
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
