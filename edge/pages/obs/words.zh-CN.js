/** What the overlay page says, in Chinese. */

export default {
  "overlay.votes": "{n} 票",
  "overlay.over": "{n} 票 · 已结束",
  "overlay.no_room": "地址里没有可用的房间名。应该像这样结尾：/overlay?room=NAME，NAME 由 1 到 64 个字母、数字、- 和 _ 组成。",
  "overlay.unauthorized": "地址的 # 后面需要有效的令牌，请从直播间后台重新复制地址。",
  "overlay.other": "无法显示房间“{room}”：{why}",
  "overlay.kicked": "被管理员请出",
  "overlay.banned": "被管理员封禁",
};
