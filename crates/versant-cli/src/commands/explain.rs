//! `versant explain`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use versant_course::draw::Picture;
use versant_course::explain::{Channel, Explanation};
use versant_course::trained::{Trained, Weights};

use crate::Global;
use crate::terminal::Terminal;

/// Look inside a trained model
#[derive(Args)]
pub struct Explain {
    #[command(subcommand)]
    action: Action,

    /// Take the checkpoint with the best test accuracy instead of the last
    #[arg(long, global = true)]
    best: bool,

    /// Folder of the picture [default: the run's media]
    #[arg(long, global = true, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Action {
    /// What a channel sees: the images on which its output is most like that on one image
    Channel {
        /// `last`, or a run's name or folder
        #[arg(default_value = "last")]
        run: String,
        /// The layer's name; `versant train` lists them in its table
        #[arg(long)]
        layer: String,
        /// One channel, or several as 3,7,12 for a page of them [default: the six that answer most]
        #[arg(long, value_delimiter = ',')]
        channel: Vec<usize>,
        /// The number of an image in the test data
        #[arg(long, default_value_t = 0)]
        image: usize,
        /// Images shown, the one asked about included
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(2..=16))]
        top: u8,
    },
    /// What becomes of an image from layer to layer
    Features {
        /// `last`, or a run's name or folder
        #[arg(default_value = "last")]
        run: String,
        /// The number of an image in the test data
        #[arg(long, default_value_t = 0)]
        image: usize,
    },
}

impl Explain {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        match &self.action {
            Action::Channel { run, layer, channel, image, top } => {
                let (explanation, mut terminal, media) = self.open(run, global)?;
                let top = usize::from(*top);
                let found = explanation.channels(layer, channel, *image, top, &mut terminal)?;
                let name = match &found[..] {
                    [one] => format!("channel-{layer}-{}-image-{image}", one.number),
                    _ => format!("channels-{layer}-image-{image}"),
                };
                say(&explanation, layer, &found, global)?;
                save(
                    &explanation.page(layer, &found),
                    &media,
                    &name,
                    global,
                    || json!({ "layer": layer, "image": image, "channels": described(&explanation, &found) }),
                )?;
            }
            Action::Features { run, image } => {
                let (explanation, _, media) = self.open(run, global)?;
                let name = format!("features-image-{image}");
                save(&explanation.features(*image)?, &media, &name, global, || json!({ "image": image }))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn open(&self, run: &str, global: &Global) -> anyhow::Result<(Explanation, Terminal, PathBuf)> {
        let mut terminal = Terminal::new(global.quiet, global.json)?;
        let places = global.places_with_data()?;
        let trained = Trained::open(&places, run, &Weights::choose(self.best, None))?;
        let media = self.out.clone().unwrap_or_else(|| trained.run().join("media"));
        Ok((Explanation::new(trained, &places, &mut terminal)?, terminal, media))
    }
}

fn described(explanation: &Explanation, channels: &[Channel]) -> Vec<Value> {
    let images = |c: &Channel| -> Vec<Value> {
        let one = |n: &versant_course::similarity::Neighbour| json!({ "image": n.image, "class": explanation.class_of(n.image), "similarity": n.similarity });
        c.nearest.iter().map(one).collect()
    };
    channels.iter().map(|c| json!({ "channel": c.number, "nearest": images(c) })).collect()
}

fn say(explanation: &Explanation, layer: &str, channels: &[Channel], global: &Global) -> anyhow::Result<()> {
    for c in channels {
        global.text(format_args!("{layer}, channel {}", c.number))?;
        for n in &c.nearest {
            let class = explanation.class_of(n.image);
            global.text(format_args!("  image {:>5}  {:.3}  {class}", n.image, n.similarity))?;
        }
    }
    Ok(())
}

fn save(
    picture: &Picture,
    media: &Path,
    name: &str,
    global: &Global,
    result: impl FnOnce() -> Value,
) -> anyhow::Result<()> {
    picture.save(media, name)?;
    let path = media.join(format!("{name}.{{svg,png}}"));
    global.json(|| {
        let mut result = result();
        result["picture"] = json!(media.join(format!("{name}.png")));
        result
    })?;
    global.text(format_args!("picture: {}", path.display()))?;
    Ok(())
}
