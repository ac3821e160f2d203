/** What the studio and the console alone share, in Chinese. */

export default {
  "feed.empty": "这里还没有人说话。",
  "feed.still": "阅读时列表不会滚动。",
  "feed.waiting": "{n} 条新内容",
  "feed.gift": "送出 {gift} × {count} {text}",
  "feed.announce": "公告：{text}",
  "toast.close": "关闭",
  "recalled": "已删除",
  "recalled.by": "已被 {by} 删除",
  "moderators.label": "任命的房管",
  "moderators.hint": "本房间任命的房管。凭登录身份即为房管的人不在其中。",
  "moderators.none": "这里还没有任命房管。",
  "moderators.uid": "用户 id",
  "moderators.add": "任命为房管",
  "moderators.dismiss": "免职",
  "moderators.told": "由 {by} 任命，{since}",
  "done.appoint": "{who} 已成为 {where} 的房管。",
  "done.dismiss": "{who} 不再是 {where} 的房管。",
};
