/** What the page of an address with nothing says, in English, besides what stands in its HTML. */

export default {
  "title": "Nothing here · Danmaku",
};
