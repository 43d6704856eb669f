use std::{cell::Cell, sync::mpsc};

use super::{state::CAPACITY, *};

/// A sink that accepts nothing until the sender of the channel is dropped.
struct Gate(mpsc::Receiver<()>);

impl Sink for Gate {
    fn wait(&self) {
        self.0.recv().unwrap_or_default();
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }
}

/// A sink that accepts `at_once` bytes per write, and fails once no bytes are `left`.
struct Narrow {
    at_once: usize,
    left: Cell<usize>,
    taken: Arc<Mutex<String>>,
}

impl Narrow {
    fn new(at_once: usize, left: usize) -> (Self, Arc<Mutex<String>>) {
        let taken = Arc::<Mutex<String>>::default();
        let narrow = Self {
            at_once,
            left: Cell::new(left),
            taken: Arc::clone(&taken),
        };
        (narrow, taken)
    }
}

impl Sink for Narrow {
    fn wait(&self) {}

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = bytes.len().min(self.at_once).min(self.left.get());
        self.left.set(self.left.get() - length);
        let mut taken = self.taken.lock().unwrap();
        taken.push_str(str::from_utf8(&bytes[..length]).unwrap());
        Ok(length)
    }
}

#[test]
fn closed_writer_counts_unwritten_lines() {
    let (blocked, gate) = mpsc::channel::<()>();
    let writer = Writer::start(vec![Gate(gate)]).unwrap();
    for _ in 0..10 {
        writer.push("line\n", false);
    }
    let began = Instant::now();
    assert_eq!(writer.close(), Some(10));
    assert!((1..5).contains(&began.elapsed().as_secs()));
    drop(blocked);
    writer.push("later\n", false);
    // `flush` returns false until the output accepts bytes again.
    while !writer.flush() {
        thread::yield_now();
    }
    assert_eq!(writer.lost(), None);
}

/// A slow sink, which accepts one byte every 20 ms.
struct Slow;

impl Sink for Slow {
    fn wait(&self) {
        thread::sleep(Duration::from_millis(20));
    }

    fn write(&self, _: &[u8]) -> io::Result<usize> {
        Ok(1)
    }
}

#[test]
fn close_waits_five_seconds_for_slow_reader() {
    let writer = Writer::start(vec![Slow]).unwrap();
    for _ in 0..1_000 {
        writer.push("line\n", false);
    }
    let began = Instant::now();
    assert!(writer.close().is_some());
    assert!((5..10).contains(&began.elapsed().as_secs()));
}

#[test]
fn cut_line_goes_whole_to_next_sink() {
    let (first, to_first) = Narrow::new(5, 12);
    let (second, to_second) = Narrow::new(7, 20);
    let writer = Writer::start(vec![first, second]).unwrap();
    for line in ["one ....\n", "two ....\n", "three ..\n", "four ...\n"] {
        writer.push(line, true);
    }
    assert!(writer.flush());
    assert_eq!(*to_first.lock().unwrap(), "one ....\ntwo");
    assert_eq!(*to_second.lock().unwrap(), "two ....\nthree ..\nfo");
    assert_eq!(writer.lost(), Some(1));
}

#[test]
fn lost_lines_are_reported_once_output_recovers() {
    let (blocked, gate) = mpsc::channel::<()>();
    let writer = Writer::start(vec![Gate(gate)]).unwrap();
    let line = "x".repeat(CAPACITY / 4) + "\n";
    for _ in 0..5 {
        writer.push(&line, false);
    }
    assert!(!writer.flush());
    assert_eq!(writer.lost(), None);
    drop(blocked);
    assert_eq!(writer.close(), None);
    assert_eq!(writer.lost(), Some(2));
    assert_eq!(writer.lost(), None);
    assert!(writer.flush());
}

#[test]
fn writes_have_whole_lines_within_pipe_buf() {
    let line = |length: usize| format!("{}\n", "x".repeat(length - 1));
    let long = line(3 * ATOMIC_WRITE);
    let fits = line(ATOMIC_WRITE / 2);
    for (lines, first) in [
        (String::new(), 0),
        (fits.clone(), fits.len()),
        (fits.repeat(2), ATOMIC_WRITE),
        (fits.repeat(3), ATOMIC_WRITE),
        (format!("{fits}{long}"), fits.len()),
        (long.clone(), long.len()),
        (format!("{long}{fits}"), long.len()),
    ] {
        assert_eq!(whole_lines(&lines), first);
    }
}
