//! The report, in Markdown.

use std::collections::BTreeMap;

use crate::Fallible;
use crate::cases::{Case, Section};
use crate::machine;
use crate::memory::Row;
use crate::options::Options;
use crate::peer::Peer;
use crate::rounds::{MOST_OTHERS, Outcome, Side};

type Outcomes<'a> = [(&'a Case, Fallible<Outcome>)];

/// What measures, and on what.
pub fn header(peer: &Peer, options: &Options) {
    println!("{}; {} threads on either side; load {} before.", machine::describe(), options.threads, machine::load());
    println!("Both sides compute on {} in {}.", options.device, options.dtype().as_str());
    println!("{}, {} threads; ours: melfusion {}.", peer.hello.about, peer.hello.threads, env!("CARGO_PKG_VERSION"));
    let what = if options.processor_time { ", of processor time" } else { "" };
    println!("Medians of {} rounds{what}. A ratio above 1 says that we are slower.", options.rounds);
    println!("Lines marked *busy* were measured while other processes took more than {MOST_OTHERS} of a core.");
}

/// The head of a section's table.
pub fn begin(section: Section) {
    println!("\n### {}\n", section.title());
    println!(
        "| | | PyTorch, ms | at its best | ours, ms | layout | ours / PyTorch | over the rounds | of the least | max. rel. error |"
    );
    println!("| --- | --- | ---: | --- | ---: | --- | ---: | ---: | ---: | ---: |");
}

/// The line of a case.
pub fn line(case: &Case, outcome: &Fallible<Outcome>) {
    match outcome {
        Ok(outcome) => row(&case.name, &case.shape, outcome),
        Err(error) => println!("| {} | {} | {error} | | | | | | | |", case.name, case.shape),
    }
}

/// What follows a section's table.
pub fn end(section: Section, outcomes: &Outcomes) {
    if section == Section::Full {
        rates(outcomes);
    }
    tried(outcomes);
}

/// How often a second each way evaluates a network, and how much faster we are than PyTorch run plainly.
fn rates(outcomes: &Outcomes) {
    println!("\nEvaluations per second, at the least time of a few turns:\n");
    println!(
        "| | PyTorch, eager | compiled | ours | ours / eager | ours / compiled |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    );
    for (case, outcome) in outcomes {
        let Ok(Outcome { theirs, ours, .. }) = outcome else { continue };
        let best = |side: &Side, is_wanted: &dyn Fn(&str) -> bool| {
            let tried = side.tried.iter().filter(|tried| is_wanted(&tried.variant));
            least(&tried.filter_map(|tried| tried.ms.as_ref().ok().copied()).collect::<Vec<_>>())
        };
        let eager = best(theirs, &|variant| !variant.starts_with("compiled"));
        let (compiled, ours) = (best(theirs, &|variant| variant.starts_with("compiled")), best(ours, &|_| true));
        let rate = |ms: f64| if ms.is_finite() { format!("{:.2}", 1e3 / ms) } else { "–".into() };
        let ratio = |theirs: f64| if theirs.is_finite() { format!("**{:.2}**", theirs / ours) } else { "–".into() };
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            case.name,
            rate(eager),
            rate(compiled),
            rate(ours),
            ratio(eager),
            ratio(compiled)
        );
    }
}

fn row(name: &str, shape: &str, Outcome { theirs, ours, error, others }: &Outcome) {
    let ratios: Vec<f64> = ours.ms.iter().zip(&theirs.ms).map(|(ours, theirs)| ours / theirs).collect();
    println!(
        "| {name}{} | {shape} | {} | {} | {} | {} | **{:.2}** | {:.2} to {:.2} | {:.2} | {} |",
        if *others > MOST_OTHERS { " *busy*" } else { "" },
        ms(median(&theirs.ms)),
        theirs.variant,
        ms(median(&ours.ms)),
        ours.variant,
        median(&ratios),
        least(&ratios),
        ratios.iter().copied().fold(0.0, f64::max),
        least(&ours.ms) / least(&theirs.ms),
        if *error == 0.0 { "0".into() } else { format!("{error:.0e}") },
    );
}

/// Every variant that was tried, so that nobody need believe in the best one.
fn tried(outcomes: &Outcomes) {
    println!("\n<details><summary>What was tried, least of a few turns in ms</summary>\n");
    for (case, outcome) in outcomes {
        let Ok(Outcome { theirs, ours, .. }) = outcome else { continue };
        let list = |side: &Side| -> String {
            let one = |tried: &crate::rounds::Tried| match &tried.ms {
                Ok(found) => format!("{} {}", tried.variant, ms(*found)),
                Err(error) => format!("{} failed: {}", tried.variant, error.chars().take(80).collect::<String>()),
            };
            side.tried.iter().map(one).collect::<Vec<_>>().join("; ")
        };
        println!("- {} ({}): PyTorch {}. Ours {}.", case.name, case.shape, list(theirs), list(ours));
    }
    println!("\n</details>");
}

/// The three operations that take us longest, of each kind the longest, against the processor's peak.
pub fn roofline(outcomes: &[(&Case, &Outcome)], peak: Option<(f64, &'static str)>) {
    let Some((peak, name)) = peak else { return };
    let mut heaviest: BTreeMap<&str, (f64, &Case, &Outcome)> = BTreeMap::new();
    for (case, outcome) in outcomes.iter().filter(|(case, _)| case.work.flops().is_some()) {
        let found = (median(&outcome.ours.ms), *case, *outcome);
        let held = heaviest.entry(&case.name).or_insert(found);
        if found.0 > held.0 {
            *held = found;
        }
    }
    let mut heaviest: Vec<_> = heaviest.into_values().collect();
    if heaviest.is_empty() {
        return;
    }
    heaviest.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("\n### Roofline of the three heaviest operations\n");
    println!("Peak: {peak:.0} GFLOP/s, {name} multiply-adds in registers on all threads, measured in this run.");
    println!("Rates count a convolution's plain multiply-adds; Winograd's needs fewer, and may pass the peak.\n");
    println!("| | | PyTorch, GFLOP/s | of peak | ours, GFLOP/s | of peak |\n| --- | --- | ---: | ---: | ---: | ---: |");
    for (_, case, outcome) in heaviest.into_iter().take(3) {
        let rate = |side: &Side| case.work.flops().unwrap_or(0.0) / median(&side.ms) / 1e6;
        let (theirs, ours) = (rate(&outcome.theirs), rate(&outcome.ours));
        let share = |rate: f64| 100.0 * rate / peak;
        println!(
            "| {} | {} | {theirs:.0} | {:.0} % | {ours:.0} | {:.0} % |",
            case.name,
            case.shape,
            share(theirs),
            share(ours)
        );
    }
}

/// Peak memory.
pub fn memory(rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!("\n### Peak memory, MB\n");
    println!(
        "Of a fresh process that does the case once, plainly; PyTorch's with and without what its libraries take.\n"
    );
    println!("| | PyTorch | without libraries | ours |\n| --- | ---: | ---: | ---: |");
    for Row { name, ours_mb, theirs_mb, libraries_mb } in rows {
        println!("| {name} | {theirs_mb:.0} | {:.0} | {ours_mb:.0} |", theirs_mb - libraries_mb);
    }
}

/// A few digits, whatever the size.
fn ms(value: f64) -> String {
    match value {
        value if value < 1.0 => format!("{value:.3}"),
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}
