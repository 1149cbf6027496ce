//! From sources to a bundle's folder.

use super::diffusers::StableDiffusion;
use super::manifest::{EMPTY_PROMPT, IMAGE, TOKENIZER, manifest};
use super::needed::{self, Needed};
use super::published;
use super::source::Source;
use super::tango::Tango;
use super::write::{self, Origin, Piece};
use super::{Sources, bad, json::Json, unreadable};
use crate::bundle::{FileEntry, Manifest};
use crate::error::Error;
use crate::text::T5Config;
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokenizers::Tokenizer;

/// A bundle that can be written: everything it needs is there and of the right shape.
pub struct Plan {
    manifest: Manifest,
    /// Names and contents, but for the empty prompt's embedding.
    files: Vec<(&'static str, Vec<Piece>)>,
    tokenizer: Vec<u8>,
    image: StableDiffusion,
}

/// How far writing is.
#[derive(Debug, Clone, Copy)]
pub struct Copied {
    /// Bytes that are written.
    pub done: u64,
    /// Bytes of the whole bundle.
    pub total: u64,
}

impl Plan {
    /// Looks at all sources; weights are not read yet.
    ///
    /// # Errors
    ///
    /// [`Error::File`] names the file that is missing, damaged or of another model, and says what to do.
    pub fn new(sources: &Sources, name: &str) -> Result<Self, Error> {
        let tango = Tango::open(&sources.tango)?;
        let image = StableDiffusion::open(&sources.stable_diffusion)?;
        let (tokenizer, t5) = words(&sources.tokenizer)?;
        let alpha = alpha(sources.alpha.as_deref(), tango.unet.decoder_widths().len())?;
        fits(sources, &tango, &image, &t5)?;
        let is_deaf = sources.alpha.is_none();
        let (words, music, sound) = (&tango.text_weights, &tango.unet_weights, &tango.decoder_weights);
        let (eye, dream) = (&image.vae_weights, &image.unet_weights);
        // What stages of ours leave where it is: what encodes mels, what decodes pictures, and a tensor that is there twice.
        let heard = needed(needed::decoder(&tango.decoder, sound), sound, &["encoder.", "quant_conv.", "loss."])?;
        let seen = needed(needed::encoder(&image.vae, eye), eye, &["decoder.", "post_quant_conv."])?;
        let read = needed(needed::text(&t5, words), words, &["encoder.embed_tokens."])?;
        let dreamt = needed(needed::unet(&image.unet, dream), dream, &[])?;
        let played = needed(needed::unet(&tango.unet, music), music, &[])?;
        let files = vec![
            ("text.safetensors", pieces(read, "", words)?),
            ("music.safetensors", pieces(played, "unet.", music)?),
            ("decoder.safetensors", pieces(heard, "", sound)?),
            (IMAGE, [pieces(seen, "vae.", eye)?, pieces(dreamt, "unet.", dream)?].concat()),
            ("synapse.safetensors", vec![alpha]),
        ];
        Ok(Self { manifest: manifest(name, &tango, &image, t5, is_deaf), files, tokenizer, image })
    }

    /// Bytes that the bundle will have, but for its manifest.
    pub fn bytes(&self) -> u64 {
        let pieces = self.files.iter().flat_map(|(_, pieces)| pieces).map(Piece::bytes);
        let empty_prompt = 2 * self.image.clip.tokens() * self.image.clip.width();
        pieces.sum::<u64>() + (empty_prompt + self.tokenizer.len()) as u64
    }

    /// Writes the bundle to `folder`, which must not be there yet and only is when all is in it.
    ///
    /// `progress` is told after every tensor and may stop it with an error.
    ///
    /// # Errors
    ///
    /// [`Error::File`]: the folder is there, the disk too small, or a source cannot be read; nothing is left behind.
    pub fn write(mut self, folder: &Path, progress: &mut dyn FnMut(Copied) -> Result<(), Error>) -> Result<(), Error> {
        let total = self.bytes();
        let draft = Draft::new(folder, total)?;
        progress(Copied { done: 0, total })?;
        let embedding = self.image.clip.empty_prompt()?;
        let shape = embedding.dims().to_vec();
        let empty_prompt = Piece { name: EMPTY_PROMPT.into(), shape, origin: Origin::Made(embedding) };
        let mut done = 0;
        let mut count = |bytes: u64| {
            done += bytes;
            progress(Copied { done, total })
        };
        let mut entries: BTreeMap<String, FileEntry> = BTreeMap::new();
        for (name, mut pieces) in self.files {
            if name == IMAGE {
                pieces.push(empty_prompt.clone());
            }
            entries.insert(name.into(), write::write(&draft.path.join(name), &pieces, &mut count)?);
        }
        entries.insert(TOKENIZER.into(), write::write_bytes(&draft.path.join(TOKENIZER), &self.tokenizer)?);
        count(self.tokenizer.len() as u64)?;
        self.manifest.files = entries;
        let text = toml::to_string(&self.manifest).map_err(|error| bad(folder, error.to_string()))?;
        Manifest::parse(&text).map_err(|problem| bad(folder, format!("would be no bundle: {problem}")))?;
        write::write_bytes(&draft.path.join("manifest.toml"), text.as_bytes())?;
        draft.keep(folder)
    }
}

/// A folder that vanishes unless it is kept.
struct Draft {
    path: PathBuf,
}

impl Draft {
    /// Beside `folder`, so that it only needs another name in the end. `bytes` must fit.
    fn new(folder: &Path, bytes: u64) -> Result<Self, Error> {
        let name = folder.file_name().ok_or_else(|| bad(folder, "no name for a folder; give another with --out"))?;
        if folder.exists() {
            return Err(bad(folder, "is there already; remove it, or give another --out"));
        }
        let parent = match folder.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&parent).map_err(|error| write::unwritable(&parent, &error))?;
        let free = fs4::available_space(&parent).map_err(|error| write::unwritable(&parent, &error))?;
        if free < bytes {
            let [needed, free] = [bytes, free].map(|bytes| bytes as f64 / 1e9);
            let problem = format!("{needed:.1} GB are needed and {free:.1} GB are free on this disk");
            return Err(bad(parent, format!("{problem}; make room, or name a folder on another disk with --out")));
        }
        let path = parent.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        fs::create_dir(&path).map_err(|error| write::unwritable(&path, &error))?;
        Ok(Self { path })
    }

    #[allow(clippy::disallowed_methods, reason = "a folder, where none is")]
    fn keep(self, folder: &Path) -> Result<(), Error> {
        fs::rename(&self.path, folder).map_err(|error| write::unwritable(folder, &error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Of one that was kept there is nothing under this name; of another, what cannot be removed cannot be helped.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// What a stage asks for, which is all that there is but for what begins with one of `elsewhere`: of a model that has more,
/// the rest would be another model.
fn needed(asked: candle_core::Result<Vec<Needed>>, source: &Source, elsewhere: &[&str]) -> Result<Vec<Needed>, Error> {
    let asked = asked.map_err(unreadable(source.path()))?;
    let names = asked.iter().map(|needed| needed.name.as_str()).collect();
    match source.other_than(&names, elsewhere) {
        None => Ok(asked),
        Some(name) => {
            let problem = "which the configuration has no place for; these are the files of two different models";
            Err(bad(source.path(), format!("has a tensor {name}, {problem}")))
        }
    }
}

fn pieces(needed: Vec<Needed>, prefix: &str, source: &Arc<Source>) -> Result<Vec<Piece>, Error> {
    needed.into_iter().map(|needed| Piece::of(needed, prefix, source)).collect()
}

/// The tokenizer's file, and the configuration of the encoder that reads its tokens.
fn words(path: &Path) -> Result<(Vec<u8>, T5Config), Error> {
    let file = if path.is_dir() { path.join(TOKENIZER) } else { path.to_path_buf() };
    let folder = file.parent().unwrap_or(Path::new("."));
    if file.extension().is_some_and(|extension| extension == "model")
        || !file.exists() && folder.join("spiece.model").exists()
    {
        let problem = "SentencePiece's own format, which is not read; download tokenizer.json, which holds the same, from \
                       google/flan-t5-large on huggingface.co";
        return Err(bad(if file.exists() { file } else { folder.join("spiece.model") }, problem));
    }
    let bytes = fs::read(&file).map_err(|error| {
        bad(&file, format!("cannot be read ({error}); download it from google/flan-t5-large on huggingface.co"))
    })?;
    Tokenizer::from_bytes(&bytes).map_err(|error| bad(&file, format!("no tokenizer ({error}); download it again")))?;
    let config = folder.join("config.json");
    if !config.exists() {
        return Ok((bytes, published::t5()));
    }
    let keys = [
        "vocab_size",
        "d_model",
        "d_kv",
        "d_ff",
        "num_layers",
        "num_heads",
        "relative_attention_num_buckets",
        "relative_attention_max_distance",
        "layer_norm_epsilon",
        "feed_forward_proj",
        "pad_token_id",
        "eos_token_id",
    ];
    Ok((bytes, Json::read(&config)?.pick(&keys.map(|key| (key, key)))?))
}

/// The trained shares of the picture, or none of it.
fn alpha(file: Option<&Path>, layers: usize) -> Result<Piece, Error> {
    let needed = Needed { name: "alpha".into(), shape: vec![layers] };
    match file {
        Some(file) => Piece::of(needed, "", &Arc::new(Source::open(file)?)),
        None => {
            let zeros = Tensor::zeros(layers, DType::F32, &Device::Cpu).map_err(unreadable(Path::new("alpha")))?;
            Ok(Piece { name: needed.name, shape: needed.shape, origin: Origin::Made(zeros) })
        }
    }
}

/// Whether the parts are of one size.
fn fits(sources: &Sources, tango: &Tango, image: &StableDiffusion, t5: &T5Config) -> Result<(), Error> {
    if tango.unet.cross_attention_dim != t5.d_model {
        let (wanted, given) = (tango.unet.cross_attention_dim, t5.d_model);
        let problem = format!("of a text encoder {given} wide, but the music model reads words {wanted} wide");
        return Err(bad(&sources.tokenizer, format!("{problem}; give the files of google/flan-t5-large")));
    }
    let (wanted, given) = (image.unet.cross_attention_dim, image.clip.width());
    if wanted != given {
        let problem = format!("its unet reads words {wanted} wide and its text_encoder gives {given}");
        return Err(bad(&sources.stable_diffusion, format!("{problem}; these are parts of two models")));
    }
    let (seen, heard) = (image.unet.decoder_widths(), tango.unet.decoder_widths());
    if seen != heard {
        let problem =
            format!("the decoder layers of its unet are {seen:?} wide and those of the music model {heard:?}");
        return Err(bad(&sources.stable_diffusion, format!("{problem}; only Stable Diffusion 2 and 2.1 fit Tango")));
    }
    Ok(())
}
