import { Place } from "/chat/place.js";
import { same } from "./assert.js";

const URL = "https://a.example/x.png";

/** One in which that was sent, and this is written. */
function sent(text, address, written = "", image = "") {
  const place = new Place("g:team");
  Object.assign(place, { text, address });
  const said = place.take([{ type: "text", text }, ...(address ? [{ type: "image", url: address }] : [])]);
  Object.assign(place, { text: written, address: image, isBusy: true, isNext: true });
  return { place, said };
}

const standing = ({ text, address, said, isBusy, isNext }) => [text, address, said?.text ?? null, isBusy, isNext];

export function what_is_sent_leaves_the_box_and_what_is_written_then_stays() {
  const { place, said } = sent(" hello ", URL, "bye");
  same([said.text, standing(place)], ["hello", ["bye", "", "hello", true, true]]);
  place.come(said.body);
  same(standing(place), ["bye", "", null, false, false]);
}

export function what_was_refused_comes_back_before_what_is_written() {
  const { place, said } = sent("hello", URL, "bye");
  place.refused(said, false);
  same(standing(place), ["hello bye", URL, null, false, false]);
}

export function a_message_has_one_image_and_what_nobody_answered_nothing_else() {
  const images = sent("hello", URL, "bye", "https://b.example/");
  images.place.refused(images.said, false);
  same(standing(images.place), ["bye", "https://b.example/", "hello", false, false]);
  const open = sent("hello", "", "bye");
  open.place.refused(open.said, true);
  same(standing(open.place), ["bye", "", "hello", false, false]);
}

export function what_nobody_answered_stands_in_the_box_once_and_goes_when_it_has_come() {
  for (const written of ["", "hello"]) {
    const { place, said } = sent("hello", URL, written, written && URL);
    place.refused(said, true);
    same(standing(place), ["hello", URL, null, false, false]);
    place.text += " you";
    place.come(said.body);
    same(standing(place), ["you", "", null, false, false]);
  }
}
