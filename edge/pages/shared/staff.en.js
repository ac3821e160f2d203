/** What the studio and the console alone share, in English. */

export default {
  "feed.empty": "Nothing was said here yet.",
  "feed.still": "It stands still while you read.",
  "feed.waiting": { one: "{n} new", other: "{n} new" },
  "feed.gift": "gives {gift} × {count} {text}",
  "feed.announce": "announces: {text}",
  "toast.close": "Close",
  "recalled": "deleted",
  "recalled.by": "deleted by {by}",
  "moderators.label": "Appointed moderators",
  "moderators.hint": "Appointed in this room. Who is a moderator by their login is not listed.",
  "moderators.none": "Nobody was appointed here.",
  "moderators.uid": "User id",
  "moderators.add": "Make a moderator",
  "moderators.dismiss": "Dismiss",
  "moderators.told": "by {by}, {since}",
  "done.appoint": "{who} is a moderator of {where} now.",
  "done.dismiss": "{who} is no moderator of {where} any more.",
};
