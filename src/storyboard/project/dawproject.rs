//! DAWproject 1.0, for Bitwig, Studio One and Cubase: a zip of `project.xml` and the sounds.
//!
//! Source: github.com/bitwig/dawproject, `Project.xsd` at ee4dcdd.

use std::io::{self, Seek, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, Event};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use score::TICKS_PER_QUARTER;

use super::{Content, Placed, Project, Track};

type Xml = Writer<Vec<u8>>;

/// Writes a project with all its sounds inside; `sound` gives the contents of the project's files, by their names.
///
/// # Errors
///
/// Those of `to` and `sound`.
pub fn dawproject(
    project: &Project<'_>,
    to: impl Write + Seek,
    mut sound: impl FnMut(&str) -> io::Result<Vec<u8>>,
) -> io::Result<()> {
    let mut zip = ZipWriter::new(to);
    // Sounds hardly shrink, and hosts play them from inside the file.
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("project.xml", stored)?;
    zip.write_all(&xml(project)?)?;
    zip.start_file("metadata.xml", stored)?;
    zip.write_all(&metadata(project)?)?;
    for name in project.files() {
        zip.start_file(name, stored)?;
        zip.write_all(&sound(name)?)?;
    }
    zip.finish().map(drop).map_err(io::Error::other)
}

fn begin() -> io::Result<Xml> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    Ok(xml)
}

fn metadata(project: &Project<'_>) -> io::Result<Vec<u8>> {
    let mut xml = begin()?;
    xml.create_element("MetaData").write_inner_content(|xml| {
        let title = quick_xml::events::BytesText::new(&project.board.title).into_owned();
        xml.create_element("Title").write_text_content(title).map(drop)
    })?;
    Ok(xml.into_inner())
}

fn xml(project: &Project<'_>) -> io::Result<Vec<u8>> {
    let mut xml = begin()?;
    xml.create_element("Project").with_attribute(("version", "1.0")).write_inner_content(|xml| {
        empty(xml, "Application", &[("name", "MeLFusion"), ("version", env!("CARGO_PKG_VERSION"))])?;
        transport(xml, project)?;
        structure(xml, project)?;
        arrangement(xml, project)
    })?;
    Ok(xml.into_inner())
}

fn transport(xml: &mut Xml, project: &Project<'_>) -> io::Result<()> {
    let board = project.board;
    let bpm = board.tempo.at(1).to_string();
    let (beats, unit) = (board.meter.beats().to_string(), board.meter.unit().to_string());
    xml.create_element("Transport")
        .write_inner_content(|xml| {
            let tempo = [("id", "tempo"), ("name", "Tempo"), ("min", "20"), ("max", "300"), ("unit", "bpm")];
            empty(xml, "Tempo", &[&tempo[..], &[("value", &bpm)]].concat())?;
            empty(xml, "TimeSignature", &[("id", "meter"), ("numerator", &beats), ("denominator", &unit)])
        })
        .map(drop)
}

fn structure(xml: &mut Xml, project: &Project<'_>) -> io::Result<()> {
    xml.create_element("Structure")
        .write_inner_content(|xml| {
            for (i, it) in project.tracks().iter().enumerate() {
                track(xml, &i.to_string(), it)?;
            }
            master(xml)
        })
        .map(drop)
}

/// A track; `id` is its place, and in a folder that of the folder before it.
fn track(xml: &mut Xml, id: &str, it: &Track<'_>) -> io::Result<()> {
    let (own, channel, gain, mute) =
        (format!("track{id}"), format!("channel{id}"), it.gain.to_string(), it.is_muted.to_string());
    let kind = if it.is_folder() {
        "tracks"
    } else if it.has_notes() {
        "notes"
    } else {
        "audio"
    };
    let colour = it.rgb().map(|[red, green, blue]| format!("#{red:02x}{green:02x}{blue:02x}"));
    let mut attributes = vec![("contentType", kind), ("loaded", "true"), ("id", &*own), ("name", it.name)];
    attributes.extend(colour.as_deref().map(|colour| ("color", colour)));
    xml.create_element("Track")
        .with_attributes(attributes)
        .write_inner_content(|xml| {
            let attributes = [("audioChannels", "2"), ("destination", "master"), ("role", "regular"), ("id", &channel)];
            xml.create_element("Channel").with_attributes(attributes).write_inner_content(|xml| {
                empty(xml, "Mute", &[("value", &mute), ("name", "Mute")])?;
                let volume = [("max", "2"), ("min", "0"), ("unit", "linear"), ("name", "Volume")];
                empty(xml, "Volume", &[&volume[..], &[("value", &gain)]].concat())
            })?;
            it.tracks.iter().enumerate().try_for_each(|(i, inner)| track(xml, &format!("{id}-{i}"), inner))
        })
        .map(drop)
}

fn master(xml: &mut Xml) -> io::Result<()> {
    let attributes = [("contentType", "audio notes"), ("loaded", "true"), ("id", "mastertrack"), ("name", "Master")];
    xml.create_element("Track")
        .with_attributes(attributes)
        .write_inner_content(|xml| {
            empty(xml, "Channel", &[("audioChannels", "2"), ("role", "master"), ("id", "master")])
        })
        .map(drop)
}

fn arrangement(xml: &mut Xml, project: &Project<'_>) -> io::Result<()> {
    xml.create_element("Arrangement")
        .with_attribute(("id", "arrangement"))
        .write_inner_content(|xml| {
            xml.create_element("Lanes").with_attributes([("timeUnit", "beats"), ("id", "lanes")]).write_inner_content(
                |xml| {
                    for (i, it) in project.tracks().iter().enumerate() {
                        lane(xml, project, &i.to_string(), it)?;
                        for (j, inner) in it.tracks.iter().enumerate() {
                            lane(xml, project, &format!("{i}-{j}"), inner)?;
                        }
                    }
                    Ok(())
                },
            )?;
            markers(xml, project)?;
            tempo(xml, project)
        })
        .map(drop)
}

fn lane(xml: &mut Xml, project: &Project<'_>, id: &str, it: &Track<'_>) -> io::Result<()> {
    let (track, lane, inner) = (format!("track{id}"), format!("lane{id}"), format!("clips{id}"));
    xml.create_element("Lanes")
        .with_attributes([("track", &*track), ("id", &lane)])
        .write_inner_content(|xml| {
            xml.create_element("Clips")
                .with_attribute(("id", &*inner))
                .write_inner_content(|xml| it.clips.iter().try_for_each(|placed| clip(xml, project, placed)))
                .map(drop)
        })
        .map(drop)
}

/// A clip whose place is in beats; sound is in seconds and not stretched, notes are in beats.
fn clip(xml: &mut Xml, project: &Project<'_>, Placed { item, name, content }: &Placed<'_>) -> io::Result<()> {
    let start = project.quarters(item.start);
    let length = project.quarters(item.start + item.frames) - start;
    let fade_in = project.seconds(item.fade_in).to_string();
    let fade_out = project.seconds(item.fade_out).to_string();
    let (start, length) = (start.to_string(), length.to_string());
    let unit = if matches!(content, Content::Notes(..)) { "beats" } else { "seconds" };
    let attributes = [
        ("time", &*start),
        ("duration", &length),
        ("contentTimeUnit", unit),
        ("playStart", "0"),
        ("fadeTimeUnit", "seconds"),
        ("fadeInTime", &fade_in),
        ("fadeOutTime", &fade_out),
        ("name", name),
    ];
    xml.create_element("Clip")
        .with_attributes(attributes)
        .write_inner_content(|xml| match content {
            Content::Sound(file) => sound(xml, project, item.frames, file),
            Content::Notes(score, part) => xml
                .create_element("Notes")
                .write_inner_content(|xml| score.notes_of(*part).try_for_each(|it| note(xml, it, score.ticks())))
                .map(drop),
        })
        .map(drop)
}

fn sound(xml: &mut Xml, project: &Project<'_>, frames: usize, file: &str) -> io::Result<()> {
    let (seconds, rate) = (project.seconds(frames).to_string(), project.board.sample_rate.to_string());
    let attributes = [("algorithm", "raw"), ("channels", "2"), ("duration", &*seconds), ("sampleRate", &*rate)];
    xml.create_element("Audio")
        .with_attributes(attributes)
        .write_inner_content(|xml| empty(xml, "File", &[("path", file)]))
        .map(drop)
}

/// A note of music that ends at a tick.
fn note(xml: &mut Xml, note: &score::Note, end: u32) -> io::Result<()> {
    let quarters = |ticks: u32| (f64::from(ticks) / f64::from(TICKS_PER_QUARTER)).to_string();
    let (time, duration) = (quarters(note.start), quarters(note.length.min(end - note.start)));
    let (key, velocity) = (note.pitch.to_string(), (f64::from(note.velocity) / 127.0).to_string());
    let channel = if note.part.is_drums() { "9" } else { "0" };
    let attributes =
        [("time", &*time), ("duration", &duration), ("channel", channel), ("key", &key), ("vel", &velocity)];
    empty(xml, "Note", &attributes)
}

fn markers(xml: &mut Xml, project: &Project<'_>) -> io::Result<()> {
    xml.create_element("Markers")
        .write_inner_content(|xml| {
            for (cue, name) in project.board.cues.iter().zip(project.names) {
                let time = project.bar_quarters(cue.start_bar).to_string();
                empty(xml, "Marker", &[("time", &time), ("name", name)])?;
            }
            Ok(())
        })
        .map(drop)
}

fn tempo(xml: &mut Xml, project: &Project<'_>) -> io::Result<()> {
    xml.create_element("TempoAutomation")
        .with_attributes([("unit", "bpm"), ("timeUnit", "beats"), ("id", "tempi")])
        .write_inner_content(|xml| {
            empty(xml, "Target", &[("parameter", "tempo")])?;
            for change in project.board.tempo.changes() {
                let (time, bpm) = (project.bar_quarters(change.bar).to_string(), change.bpm.to_string());
                empty(xml, "RealPoint", &[("time", &time), ("value", &bpm), ("interpolation", "hold")])?;
            }
            Ok(())
        })
        .map(drop)
}

fn empty(xml: &mut Xml, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
    xml.create_element(name).with_attributes(attributes.iter().copied()).write_empty().map(drop)
}
