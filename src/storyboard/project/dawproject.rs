//! DAWproject 1.0, for Bitwig, Studio One and Cubase: a zip of `project.xml` and the sounds.
//!
//! Source: github.com/bitwig/dawproject, `Project.xsd` at ee4dcdd.

use std::io::{self, Seek, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, Event};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{BED, Item, Project, TRACKS};

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
    for name in project.stems.iter().map(String::as_str).chain([project.bed]) {
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
            for (i, name) in TRACKS.iter().chain([&BED]).enumerate() {
                let is_bed = i == TRACKS.len();
                track(xml, (i, name), if is_bed { 1.0 } else { project.gain() }, is_bed)?;
            }
            master(xml)
        })
        .map(drop)
}

fn track(xml: &mut Xml, (i, name): (usize, &str), gain: f64, is_muted: bool) -> io::Result<()> {
    let (id, channel, gain) = (format!("track{i}"), format!("channel{i}"), gain.to_string());
    let mute = is_muted.to_string();
    let attributes = [("contentType", "audio"), ("loaded", "true"), ("id", &id), ("name", name)];
    xml.create_element("Track")
        .with_attributes(attributes)
        .write_inner_content(|xml| {
            let attributes = [("audioChannels", "2"), ("destination", "master"), ("role", "regular"), ("id", &channel)];
            xml.create_element("Channel")
                .with_attributes(attributes)
                .write_inner_content(|xml| {
                    empty(xml, "Mute", &[("value", &mute), ("name", "Mute")])?;
                    let volume = [("max", "2"), ("min", "0"), ("unit", "linear"), ("name", "Volume")];
                    empty(xml, "Volume", &[&volume[..], &[("value", &gain)]].concat())
                })
                .map(drop)
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
                    for i in 0..TRACKS.len() {
                        let clip = |item: Item| (item.clone(), &*project.names[item.cue], &*project.stems[item.cue]);
                        lane(xml, project, i, project.track(i).into_iter().map(clip).collect())?;
                    }
                    let all = Item { cue: 0, start: 0, frames: project.board.frames(), fade_in: 0, fade_out: 0 };
                    lane(xml, project, TRACKS.len(), vec![(all, BED, project.bed)])
                },
            )?;
            markers(xml, project)?;
            tempo(xml, project)
        })
        .map(drop)
}

fn lane(xml: &mut Xml, project: &Project<'_>, i: usize, clips: Vec<(Item, &str, &str)>) -> io::Result<()> {
    let (track, id, inner) = (format!("track{i}"), format!("lane{i}"), format!("clips{i}"));
    xml.create_element("Lanes")
        .with_attributes([("track", &*track), ("id", &id)])
        .write_inner_content(|xml| {
            xml.create_element("Clips")
                .with_attribute(("id", &*inner))
                .write_inner_content(|xml| clips.iter().try_for_each(|of| clip(xml, project, of)))
                .map(drop)
        })
        .map(drop)
}

/// A clip whose place is in beats and whose sound is in seconds: it is not stretched.
fn clip(xml: &mut Xml, project: &Project<'_>, (item, name, file): &(Item, &str, &str)) -> io::Result<()> {
    let start = project.quarters(item.start);
    let length = project.quarters(item.start + item.frames) - start;
    let fade_in = project.seconds(item.fade_in).to_string();
    let fade_out = project.seconds(item.fade_out).to_string();
    let seconds = project.seconds(item.frames).to_string();
    let (start, length, rate) = (start.to_string(), length.to_string(), project.board.sample_rate.to_string());
    let attributes = [
        ("time", &*start),
        ("duration", &length),
        ("contentTimeUnit", "seconds"),
        ("playStart", "0"),
        ("fadeTimeUnit", "seconds"),
        ("fadeInTime", &fade_in),
        ("fadeOutTime", &fade_out),
        ("name", name),
    ];
    xml.create_element("Clip")
        .with_attributes(attributes)
        .write_inner_content(|xml| {
            let attributes = [("algorithm", "raw"), ("channels", "2"), ("duration", &*seconds), ("sampleRate", &*rate)];
            xml.create_element("Audio")
                .with_attributes(attributes)
                .write_inner_content(|xml| empty(xml, "File", &[("path", file)]))
                .map(drop)
        })
        .map(drop)
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
