/** What the overlay page says, in English. */

export default {
  "overlay.votes": { one: "{n} vote", other: "{n} votes" },
  "overlay.over": { one: "{n} vote · closed", other: "{n} votes · closed" },
  "overlay.no_room": "There is no usable room name in this address. It ends like this: /overlay?room=NAME, and a NAME has 1 to 64 letters, digits, - and _.",
  "overlay.unauthorized": "This address needs a valid token behind its #. Take it from the studio again.",
  "overlay.other": "The room “{room}” cannot be shown: {why}",
  "overlay.kicked": "sent out by a moderator",
  "overlay.banned": "banned by a moderator",
};
