//! The Rust half of what must hold before a change lands; `.ci/run` adds hosts and recipes to it.

mod steps;

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

/// One check, by the name that `--only` takes.
struct Step {
    name: &'static str,
    run: fn() -> Result<()>,
}

/// In this order: what fails soonest comes first, and what compiles the same stands together.
const STEPS: [Step; 9] = [
    Step { name: "format", run: steps::format },
    Step { name: "licences", run: steps::licences },
    Step { name: "lints", run: steps::lints },
    Step { name: "docs", run: steps::docs },
    Step { name: "bare", run: steps::bare },
    Step { name: "tests", run: steps::tests },
    Step { name: "valgrind", run: steps::valgrind },
    Step { name: "clips", run: steps::clips },
    Step { name: "plugin", run: steps::plugin },
];

/// Runs all steps, or those that `--only STEP` names, until one fails, and prints the seconds that each took; with
/// `--list`, prints their names.
pub fn run(options: &[String]) -> Result<()> {
    if options == ["--list"] {
        STEPS.iter().for_each(|step| println!("{}", step.name));
        return Ok(());
    }
    for step in chosen(options)? {
        println!("\n== {}", step.name);
        let start = Instant::now();
        (step.run)()
            .with_context(|| format!("the step {0} failed; cargo xtask ci --only {0} repeats it", step.name))?;
        println!("-- {} {} s", step.name, start.elapsed().as_secs());
    }
    Ok(())
}

/// The steps that `options` ask for, in the order of [`STEPS`].
fn chosen(options: &[String]) -> Result<Vec<&'static Step>> {
    let mut wanted = Vec::new();
    for pair in options.chunks(2) {
        let [option, name] = pair else { bail!("{} wants a value; {}", pair[0], usage()) };
        ensure!(option == "--only", "{option} is not understood; {}", usage());
        ensure!(STEPS.iter().any(|step| step.name == name), "there is no step {name}; {}", usage());
        wanted.push(name);
    }
    Ok(STEPS.iter().filter(|step| wanted.is_empty() || wanted.iter().any(|name| *name == step.name)).collect())
}

fn usage() -> String {
    format!(
        "cargo xtask ci [--list] [--only STEP]..., where a step is one of {}",
        STEPS.map(|step| step.name).join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(options: &[&str]) -> Result<Vec<&'static str>> {
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        Ok(chosen(&options)?.iter().map(|step| step.name).collect())
    }

    #[test]
    fn all_steps_run_unless_some_are_named() -> Result<()> {
        assert_eq!(names(&[])?, STEPS.map(|step| step.name));
        assert_eq!(names(&["--only", "tests", "--only", "lints"])?, ["lints", "tests"]);
        Ok(())
    }

    #[test]
    fn what_is_no_step_is_refused_with_the_list_of_steps() {
        for options in [&["--only"][..], &["--only", "test"], &["tests"], &["--skip", "tests"]] {
            let error = names(options).expect_err("refused").to_string();
            assert!(error.contains("format, licences, lints"), "{error}");
        }
    }
}
