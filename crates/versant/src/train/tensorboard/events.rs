//! Event files, which TensorBoard reads.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::histogram::Histogram;
use crate::array::Array;
use crate::error::{Error, Result};
use crate::io::protobuf::Message;
use crate::io::tfrecord;
use crate::train::environment::hostname;

/// How the names of event files begin.
const PREFIX: &str = "events.out.tfevents.";

/// Writes an event file of TensorBoard: `events.out.tfevents.<time>.<host>.<process>.0`. Each event is handed to the
/// system at once, so that a killed process loses none, and half an event at the end does not disturb a reader.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let run = folder.path();
/// use versant::train::EventWriter;
/// let mut writer = EventWriter::create(run)?;
/// writer.text("config", 0, "| key | value |\n|---|---|\n| lr | 0.1 |")?;
/// for step in 1..=100 {
///     writer.scalars(step, &[("loss", 1.0 / step as f64)])?;
/// }
/// # Ok::<(), versant::Error>(())
/// ```
#[derive(Debug)]
pub struct EventWriter {
    file: File,
    path: PathBuf,
    /// The length of the whole events in the file.
    len: u64,
}

impl EventWriter {
    /// Begins a new file in a folder, by its name behind those that are there: TensorBoard reads them in that order,
    /// as one.
    ///
    /// # Errors
    /// When the folder is missing or cannot be written.
    pub fn create(folder: impl AsRef<Path>) -> Result<EventWriter> {
        let folder = folder.as_ref();
        let now = since_1970() as u64;
        let time = newest(folder)?.map_or(now, |newest| now.max(newest.saturating_add(1)));
        let host = hostname().unwrap_or_else(|| "localhost".into());
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let host: String = host.chars().take(64).map(plain).collect();
        let path = folder.join(format!("{PREFIX}{time:010}.{host}.{}.0", std::process::id()));
        let file = File::create_new(&path).map_err(Error::io("create", &path))?;
        let mut writer = EventWriter { file, path, len: 0 };
        writer.event(0, |event| event.text(3, "brain.Event:2"))?;
        Ok(writer)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says that a run goes on with `step`: what files before this one hold of that step and later ones is void.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn restart(&mut self, step: u64) -> Result<()> {
        // SessionLog with status START, which is what TensorBoard asks for.
        self.event(step, |event| event.message(7, &Message::new().int(1, 1)))
    }

    /// Numbers by tag, as f32. Tags that are alike up to a `/` are shown together: `loss/train`, `loss/test`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<()> {
        let summary = values.iter().fold(Message::new(), |summary, &(tag, value)| {
            summary.message(1, &Message::new().text(1, tag).float(2, value as f32))
        });
        self.event(step, |event| event.message(5, &summary))
    }

    /// How the values of arrays are distributed, by tag. Values that are not finite are left out.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn histograms<'a>(
        &mut self,
        step: u64,
        arrays: impl IntoIterator<Item = (String, &'a Array)>,
    ) -> Result<()> {
        let summary = arrays.into_iter().fold(Message::new(), |summary, (tag, values)| {
            summary.message(1, &Message::new().text(1, &tag).message(5, &Histogram::of(values).proto()))
        });
        self.event(step, |event| event.message(5, &summary))
    }

    /// An image: bytes [h, w, c] of one channel (grey) or three (red, green, blue). See
    /// [`make_grid`](crate::data::make_grid) for a batch of them.
    ///
    /// # Errors
    /// When the file cannot be written.
    ///
    /// # Panics
    /// When the array is no such image.
    #[cfg(feature = "images")]
    #[track_caller]
    pub fn image(&mut self, tag: &str, step: u64, image: &Array) -> Result<()> {
        let shape = image.shape();
        assert!(
            matches!(*shape, [_, _, 1 | 3]) && shape.numel() > 0 && image.dtype() == crate::DType::U8,
            "image: {} {shape} is no image, which is u8 [h, w, c] with 1 or 3 channels; make_grid makes one of a batch",
            image.dtype()
        );
        let [height, width, channels] = image.dims();
        let png = png(image).map_err(Error::io("write", &self.path))?;
        let proto =
            Message::new().int(1, height as i64).int(2, width as i64).int(3, channels as i64).bytes(4, &png);
        let summary = Message::new().message(1, &Message::new().text(1, tag).message(4, &proto));
        self.event(step, |event| event.message(5, &summary))
    }

    /// A text in Markdown.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn text(&mut self, tag: &str, step: u64, markdown: &str) -> Result<()> {
        // A tensor of strings (type 7), of shape [1], for the plugin named "text".
        let shape = Message::new().message(2, &Message::new().int(1, 1));
        let tensor = Message::new().int(1, 7).message(2, &shape).text(8, markdown);
        let metadata = Message::new().message(1, &Message::new().text(1, "text"));
        let value = Message::new().text(1, tag).message(8, &tensor).message(9, &metadata);
        self.event(step, |event| event.message(5, &Message::new().message(1, &value)))
    }

    /// Appends one event.
    fn event(&mut self, step: u64, what: impl FnOnce(Message) -> Message) -> Result<()> {
        let event = what(Message::new().double(1, since_1970()).int(2, step as i64));
        let record = tfrecord::framed(event.encoded());
        if let Err(e) = self.file.write_all(&record) {
            // Half an event must not run into the next one. Readers pass over it at the end of a file.
            let _ = self.file.set_len(self.len);
            return Err(Error::io("write", &self.path)(e));
        }
        self.len += record.len() as u64;
        Ok(())
    }
}

fn since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The time in the name of the newest event file of a folder.
fn newest(folder: &Path) -> Result<Option<u64>> {
    let mut newest = None;
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let name = entry.map_err(Error::io("read", folder))?.file_name();
        let time =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|rest| rest.split('.').next());
        newest = newest.max(time.and_then(|time| time.parse().ok()));
    }
    Ok(newest)
}

#[cfg(feature = "images")]
fn png(pixels: &Array) -> io::Result<Vec<u8>> {
    use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

    let [height, width, channels] = pixels.dims();
    let color = if channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut png = Vec::new();
    let encoder = PngEncoder::new(&mut png);
    encoder
        .write_image(&pixels.to_vec::<u8>(), width as u32, height as u32, color)
        .map_err(io::Error::other)?;
    Ok(png)
}

#[cfg(all(test, target_os = "linux"))]
impl EventWriter {
    /// Lets the next events go elsewhere.
    pub(super) fn redirect(&mut self, path: &Path) {
        self.file = fs::OpenOptions::new().write(true).open(path).unwrap();
    }
}
