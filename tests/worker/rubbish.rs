//! Clients that make no sense: they are told so, and nobody else notices.

use melfusion::error::Error;
use melfusion::service::{ENGINE, FromWorker, MAX_FRAME, PROTOCOL, Parcel, ToWorker};

use crate::house::{Guest, House, greeting, hello, parcel, quick};

fn frame(message: &ToWorker) -> Vec<u8> {
    let mut bytes = Vec::new();
    melfusion::service::write_frame(&mut bytes, message).unwrap();
    bytes
}

fn submit(job: u64) -> ToWorker {
    ToWorker::Submit { job, parcel: parcel(quick(job)) }
}

#[test]
fn what_is_no_message_ends_the_line_and_nothing_else() {
    let mut house = House::new(&[]);
    let mut too_long = (MAX_FRAME as u32 + 1).to_le_bytes().to_vec();
    too_long.extend([0; 64]);
    let mut no_message = 8u32.to_le_bytes().to_vec();
    no_message.extend(b"\xa7rubbish");
    for (bytes, reason) in
        [(&too_long, "longer than any"), (&no_message, "no message"), (&frame(&hello(ENGINE)), "once")]
    {
        let guest = house.guest();
        guest.say_bytes(bytes);
        let (said, is_ending) = guest.refusal().unwrap();
        assert!(said.contains(reason) && !is_ending, "{said}");
        assert!(guest.hear().is_err(), "the line is closed");
    }
    house.assert_serves();
}

#[test]
fn whoever_does_not_say_hello_is_turned_away() {
    let mut house = House::new(&[]);
    let stranger = Guest { stream: house.connect() };
    stranger.say_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut greeted = [0; 8];
    std::io::Read::read_exact(&mut &stranger.stream, &mut greeted).unwrap();
    assert!(stranger.refusal().unwrap().0.contains("no melfusion"));
    let guest = Guest::greeted(house.connect());
    guest.say(&submit(1));
    assert!(guest.refusal().unwrap().0.contains("hello first"));
    drop(house.connect());
    house.assert_serves();
}

#[test]
fn a_message_cut_short_withdraws_its_sender() {
    let mut house = House::new(&[]);
    let whole = frame(&submit(2));
    for length in [1, 3, 4, 5, whole.len() / 2, whole.len() - 1] {
        let guest = house.guest();
        guest.submit(1, crate::house::endless());
        guest.say_bytes(&whole[..length]);
    }
    // None of the six endless jobs keeps this one waiting.
    house.assert_serves();
}

#[test]
fn jobs_that_cannot_be_fail_with_the_engines_words() {
    let house = House::new(&[]);
    let guest = house.guest();
    let Parcel::Generate { mut fields, picture } = parcel(quick(1)) else { unreachable!() };
    fields.bars = 65;
    guest.say(&ToWorker::Submit { job: 1, parcel: Parcel::Generate { fields, picture } });
    let FromWorker::Failed { failure, .. } = guest.outcome(1) else { panic!() };
    assert_eq!(Error::from(failure).to_string(), "bars: 65 is out of range; give a number from 1 to 64");
    guest.submit(2, quick(2));
    assert!(matches!(guest.outcome(2), FromWorker::Clip { .. }));
    // Two jobs of one number could not be told apart.
    guest.submit(3, crate::house::endless());
    guest.submit(3, quick(3));
    assert!(guest.refusal().unwrap().0.contains("numbers its jobs"));
}

#[test]
fn a_client_of_another_version_is_told_and_the_worker_makes_room_when_it_is_not_used() {
    let mut house = House::new(&[]);
    let used = house.guest();
    let old = Guest::greeted(house.connect());
    old.say(&hello("0.0.1"));
    let (reason, is_ending) = old.refusal().unwrap();
    assert!(reason.contains("0.0.1") && !is_ending, "{reason}");
    let newer = Guest { stream: house.connect() };
    newer.say_bytes(&greeting(PROTOCOL + 1));
    let mut greeted = [0; 8];
    std::io::Read::read_exact(&mut &newer.stream, &mut greeted).unwrap();
    assert_eq!(greeted, greeting(PROTOCOL).as_slice(), "it can tell");
    assert!(newer.refusal().unwrap().0.contains("version"));
    house.assert_serves();
    used.submit(1, quick(1));
    used.outcome(1);
    used.say(&ToWorker::Goodbye);
    assert!(used.refusal().is_none(), "the line is closed without a word");
    // Until it has noticed that nobody is there any more, it stays.
    loop {
        let old = Guest::greeted(house.connect());
        old.say(&hello("0.0.1"));
        if old.refusal().unwrap().1 {
            break;
        }
    }
    assert!(house.await_end().success());
    assert!(!house.socket().exists());
}
