/** What the page of an address with nothing says, in Chinese. */

export default {
  "title": "这里没有内容 · Danmaku",
  "what": "地址可能有误，或仅供程序使用。这里有以下页面：",
  "page.viewer": "观看房间",
  "page.studio": "直播间后台",
  "page.console": "管理台",
  "page.chat": "私聊与群聊",
  "page.docs": "HTTP 接口说明",
};
