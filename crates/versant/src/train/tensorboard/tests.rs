use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::DType;
use crate::array::Array;
use crate::io::protobuf::read::Fields;
use crate::io::tfrecord::records;
use crate::nn::{Linear, Sequential};
use crate::rng::Rng;

/// The event files of a folder in the order in which TensorBoard reads them.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The events of a file after the one that names the format, as (step, event).
fn events(file: &Path) -> Vec<(i64, Fields)> {
    let mut events = records(&fs::read(file).unwrap()).into_iter().map(|record| Fields::of(&record));
    let first = events.next().unwrap();
    assert_eq!(first.one(3).text(), "brain.Event:2");
    events.map(|event| (event.one(2).int(), event)).collect()
}

/// The values of an event's summary, as (tag, value).
fn values(event: &Fields) -> Vec<(String, Fields)> {
    let values = event.all(5).into_iter().flat_map(|summary| {
        let summary = summary.message();
        summary.all(1).into_iter().map(|value| value.message()).collect::<Vec<_>>()
    });
    values.map(|value| (value.one(1).text(), value)).collect()
}

fn step(step: u64, loss: f64) -> StepRecord {
    StepRecord { step, epoch: 1, lr: 0.5, loss }
}

fn epoch(step: u64) -> EpochRecord {
    EpochRecord {
        step,
        epoch: 1,
        lr: 0.5,
        train_loss: 2.0,
        train_accuracy: None,
        test_loss: 3.0,
        test_accuracy: Some(0.25),
        seconds: 1.0,
    }
}

#[test]
fn what_a_trainer_tells_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let model = Sequential::new().add("fc", Linear::new(3, 2, &mut Rng::new(0)));
    let batch = Batch { x: Tensor::ones([4, 3]), y: Tensor::zeros([4, 2]) };
    let mut board = TensorBoard::new(folder.path()).unwrap().gradients_of(batch, |y, t| y.mse_loss(t));
    for i in 1..=25 {
        assert_eq!(board.on_step(&step(i, i as f64), 25), Flow::Continue);
    }
    assert_eq!(board.on_epoch(&epoch(25), &model), Flow::Continue);
    let file = board.writer().path().to_path_buf();
    board.finish().unwrap();

    let events = events(&file);
    let tags: Vec<(i64, String)> = events
        .iter()
        .flat_map(|(step, event)| values(event).into_iter().map(|(tag, _)| (*step, tag)))
        .collect();
    let tags: Vec<(i64, &str)> = tags.iter().map(|(step, tag)| (*step, tag.as_str())).collect();
    let wanted = [
        (10, "loss/step"),
        (10, "lr"),
        (20, "loss/step"),
        (20, "lr"),
        (25, "loss/train"),
        (25, "loss/test"),
        (25, "accuracy/test"),
        (25, "parameters/fc.weight"),
        (25, "parameters/fc.bias"),
        (25, "gradients/fc.weight"),
        (25, "gradients/fc.bias"),
    ];
    assert_eq!(tags, wanted);
    let weights = &values(&events[4].1)[0].1;
    assert_eq!(weights.one(5).message().one(7).doubles().iter().sum::<f64>(), 6.0);
}

#[test]
fn a_resumed_run_says_which_older_events_are_void() {
    let folder = tempfile::tempdir().unwrap();
    for start in [1, 11] {
        let mut board = TensorBoard::new(folder.path()).unwrap().every(1);
        board.writer().text("config", 0, "lr = 1").unwrap();
        let model = Sequential::new();
        board.on_start(&Start { run: None, step: start - 1, epoch: 0, epochs: 1, steps: 25 }, &model);
        for i in start..=15 {
            board.on_step(&step(i, 1.0), 25);
        }
        board.finish().unwrap();
    }
    let files = files(folder.path());
    assert_eq!(files.len(), 2);
    for (file, start) in files.iter().zip([1, 11]) {
        let events = events(file);
        let (step, restart) = &events[1];
        assert_eq!((*step as u64, restart.one(7).message().one(1).int()), (start, 1), "SessionLog, START");
        assert!(events[2..].iter().map(|(step, _)| *step as u64).eq(start..=15));
    }
}

#[test]
fn a_file_cut_anywhere_holds_the_events_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path()).unwrap();
    for i in 0..5 {
        writer.scalars(i, &[("a", 1.0)]).unwrap();
        // On its way at once: no end of the writer is needed.
        assert_eq!(events(writer.path()).len() as u64, i + 1);
    }
    let whole = fs::read(writer.path()).unwrap();
    let lens: Vec<usize> = (0..=whole.len()).map(|len| records(&whole[..len]).len()).collect();
    assert!(lens.is_sorted() && lens[whole.len() - 1] == 5 && lens[whole.len()] == 6);
}

#[test]
fn the_newest_file_is_the_last_by_name_even_when_the_clock_goes_backwards() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("events.out.tfevents.9000000000.elsewhere.1.0"), "").unwrap();
    fs::write(folder.path().join("events.out.tfevents.nonsense"), "").unwrap();
    for i in 1..=3 {
        let writer = EventWriter::create(folder.path()).unwrap();
        let name = writer.path().file_name().unwrap().to_str().unwrap().to_string();
        assert!(name.starts_with(&format!("events.out.tfevents.900000000{i}.")), "{name}");
    }
}

#[cfg(feature = "images")]
#[test]
fn images_are_png() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path()).unwrap();
    let bytes: Vec<u8> = (0..24).collect();
    writer.image("rgb", 7, &Array::from_slice(&bytes, [2, 4, 3])).unwrap();
    writer.image("grey", 7, &Array::from_slice(&bytes, [4, 6, 1]).transpose(0, 1)).unwrap();
    let events = events(writer.path());
    for ((_, event), size) in events.iter().zip([[2, 4, 3], [6, 4, 1]]) {
        let image = values(event)[0].1.one(4).message();
        assert_eq!([1, 2, 3].map(|field| image.one(field).int()), size);
        let decoded = image::load_from_memory(image.one(4).bytes()).unwrap();
        assert_eq!(decoded.color().channel_count() as i64, size[2]);
        assert_eq!(decoded.as_bytes().len(), 24);
    }
}

#[cfg(feature = "images")]
#[test]
#[should_panic(expected = "image: f32 [3, 8, 8] is no image, which is u8 [h, w, c]")]
fn what_is_no_image_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path()).unwrap();
    let _ = writer.image("x", 0, &Array::zeros([3, 8, 8], DType::F32));
}

#[test]
fn what_cannot_be_written_is_told_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let error = EventWriter::create(folder.path().join("none")).unwrap_err().to_string();
    assert!(error.contains("none"), "{error}");
    #[cfg(target_os = "linux")]
    {
        let mut board = TensorBoard::new(folder.path()).unwrap().every(1);
        board.writer.redirect(Path::new("/dev/full"));
        assert_eq!(board.on_step(&step(1, 1.0), 1), Flow::Continue);
        assert_eq!(board.on_step(&step(2, 1.0), 1), Flow::Continue);
        let error = board.finish().unwrap_err().to_string();
        assert!(error.contains("cannot write") && error.contains("tfevents"), "{error}");
    }
}
