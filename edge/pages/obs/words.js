/** What the overlay page says, by language. */

/** @type {Record<string, Record<string, string>>} */
const WORDS = {
  en: {
    votes: "Votes: {n}",
    over: "Votes: {n} · closed",
    "wrong address": "This address names no room. It ends like this: /overlay?room=NAME",
    unauthorized: "This address needs a valid token behind its #. Take it from the studio again.",
    members_only: "The room “{room}” is for members: a token belongs behind # in this address.",
    other: "The room “{room}” cannot be shown: {name}",
  },
  zh: {
    votes: "{n} 票",
    over: "{n} 票 · 已结束",
    "wrong address": "地址里没有房间名。应该像这样结尾：/overlay?room=NAME",
    unauthorized: "地址的 # 后面需要有效的令牌，请从直播间后台重新复制地址。",
    members_only: "房间“{room}”仅限成员：请在地址的 # 后面加上令牌。",
    other: "无法显示房间“{room}”：{name}",
  },
};

/**
 * A function that says things in this language, or in English.
 * @param {string} language as `zh-CN`
 * @returns {(key: string, values?: Record<string, string | number>) => string}
 */
export function speaker(language) {
  const words = WORDS[language.slice(0, 2).toLowerCase()] ?? WORDS.en;
  return (key, values = {}) => (words[key] ?? words.other).replace(/\{(\w+)\}/gu, (_, name) => String(values[name] ?? ""));
}
